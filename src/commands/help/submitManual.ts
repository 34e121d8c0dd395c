import { connection, endExits, jobExits, type Manual, serviceExits } from "./Manual.ts"

export const submitManual: Readonly<Record<string, Manual>> = {
  "submit-job": {
    details: [
      "The configuration is YAML or JSON, bare or under job_config: a file, the text itself, or stdin. With --global, maps of both files are merged key by key and lists are replaced; what the job's own file gives decides, also when it is false, 0 or empty.",
      "The image's tags are the job's id, those of the configuration, an automatic one of branch and version (as feature-auth-v0.1.5), and those of --image-tags. The patch number in <deploy_dir>/version.yaml goes up when the service has accepted the job. --no-version, or version: false in the configuration, leaves the automatic tag out.",
      "The answer is JSON on stdout, and nothing else is. With --watch the job's progress is there instead: a live view in a terminal, a line for each change otherwise and with NO_COLOR. Ctrl-C ends the view, not the job.",
      "With --history, <deploy_dir>/builds/<job id>/ and <deploy_dir>/history.md keep what became of it, without secrets."
    ],
    examples: [
      ["Submit a file", "jobforge submit-job build.yaml"],
      ["Keep the job's id for the next command", "job=$(jobforge submit-job build.yaml -o name)"],
      ["Follow it to its end, and keep a local record", "jobforge submit-job build.yaml --history --watch"],
      [
        "With settings that all builds share, and more tags",
        "jobforge submit-job --global deploy/global.yaml build.yaml --image-tags latest,nightly"
      ],
      [
        "From another program",
        'jq -n \'{owner: "team-a", repo_url: env.REPO, image_name: "web", registry_url: "registry.example.com"}\' | jobforge submit-job'
      ],
      [
        "In CI, where a step may run twice",
        'jobforge submit-job build.yaml --no-version --idempotency-key "$CI_PIPELINE_ID" --watch'
      ]
    ],
    exitCodes: [[0, "accepted; with --watch: the job succeeded"], ...endExits.slice(1), serviceExits[2]],
    environment: [...connection, ["NO_COLOR", "any value: plain lines in place of the live view"]]
  },
  watch: {
    details: [
      "Shows the phases with their durations, the place in the queue and the last log lines. Without a terminal, or with NO_COLOR, it is a line for each change. Ctrl-C ends the view, not the job."
    ],
    examples: [
      ["Follow a job that somebody else submitted", "jobforge watch 8f14e45f-ceea-467f-a4f0-9d4f3c0e5b1a"],
      ["Follow the latest one", 'jobforge watch "$(jobforge list -n 1 -o name)"']
    ],
    exitCodes: [...endExits.slice(0, 2), [2, "wrong usage"], endExits[3], ...jobExits.slice(2)],
    environment: [...connection, ["NO_COLOR", "any value: plain lines in place of the live view"]]
  },
  wait: {
    details: [
      "Holds one request open at the service rather than asking again and again, and writes the job's state when it is done. It ends as soon as the condition holds, or can't hold any more since the job is over.",
      "Conditions: succeeded, ended, status=STATUS, phase=PHASE, condition=TYPE[=STATUS]."
    ],
    examples: [
      ["Wait for success, half an hour at most", "jobforge wait 8f14e45f-ceea-467f-a4f0-9d4f3c0e5b1a --timeout 30m"],
      ["Until the tests run", "jobforge wait web --for phase=test"],
      [
        "Tell a failed build from a slow one",
        "jobforge wait web --timeout 10m -o name || case $? in 4) echo slow ;; *) echo failed ;; esac"
      ]
    ],
    exitCodes: [
      [0, "the condition holds"],
      [1, "the job is over and it doesn't hold: the job failed, or it never was so"],
      [2, "wrong usage"],
      endExits[3],
      [4, "the time was over; the job goes on"],
      ...jobExits.slice(2)
    ],
    environment: connection
  },
  "kill-job": {
    details: [
      "Ends the job's steps and removes its temporary image. Its status becomes FAILED, with the reason Cancelled."
    ],
    examples: [
      ["End a job", "jobforge kill-job 8f14e45f-ceea-467f-a4f0-9d4f3c0e5b1a"],
      [
        "End all of an owner's jobs that wait",
        "jobforge list --owner team-a --status PENDING -o name | xargs -n 1 jobforge kill-job"
      ]
    ],
    exitCodes: [[0, "it is being ended"], ...jobExits],
    environment: connection
  },
  retry: {
    details: [
      "Builds the configuration of an ended job once more, unchanged. What to do about a failure first: jobforge diagnose."
    ],
    examples: [
      ["Once more", "jobforge retry web"],
      ["Only where another try can help", "jobforge diagnose web -o json | jq -e .retryable && jobforge retry web"]
    ],
    exitCodes: [[0, "it is built again"], ...jobExits],
    environment: connection
  },
  cleanup: {
    details: [
      "Ends what of a job still runs, and removes its temporary image. The service does the same by itself when a job is over."
    ],
    examples: [["Clean up after a job", "jobforge cleanup 8f14e45f-ceea-467f-a4f0-9d4f3c0e5b1a"]],
    exitCodes: [[0, "it is cleaned up"], ...jobExits],
    environment: connection
  },
  purge: {
    details: [
      "Nomad keeps an ended job's steps until its garbage collection. This makes it forget them now; the job's status and logs stay."
    ],
    examples: [["Forget an ended job's steps", "jobforge purge web"]],
    exitCodes: [[0, "they are forgotten"], ...jobExits],
    environment: connection
  }
}
