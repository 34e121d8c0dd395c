import { assert } from "@effect/vitest"
import type { Example } from "./Example.ts"

export const versions: ReadonlyArray<Example> = [
  {
    script: "jobforge version-info",
    holds: ({ stdout }) =>
      assert.strictEqual(stdout, "Version: 0.0.0\nTag: v0.0.0\nBranch: feature-auth\nBranch Tag: feature-auth-v0.0.0\n")
  },
  {
    script: "jobforge version-major 2",
    holds: ({ stdout }) => assert.strictEqual(stdout, "Version updated to: 2.0.0\n")
  },
  {
    script: "jobforge version-major 2 && jobforge version-minor 3 && cat deploy/version.yaml",
    holds: ({ stdout }) =>
      assert.include(stdout, "Version updated to: 2.3.0\nversion:\n    major: 2\n    minor: 3\n    patch: 0\n")
  },
  {
    script: "jobforge version-minor -1",
    code: 2,
    holds: ({ stderr }) => assert.include(stderr, "minor version must be non-negative")
  },
  {
    script: [
      "mkdir deploy && printf 'version:\\n    major: 0\\n    minor: 1\\n    patch: 4\\n' > deploy/version.yaml",
      "id=$(jobforge submit-job build.yaml --image-tags extra | jq -r .job_id)",
      "jobforge get-status $id | jq -c '.config.image_tags[1:]'; grep patch deploy/version.yaml"
    ].join("\n"),
    holds: ({ stdout }) => assert.strictEqual(stdout, '["latest","feature-auth-v0.1.5","extra"]\n    patch: 5\n')
  },
  {
    script: 'jobforge submit-job \'{"owner": "a"}\'; test ! -e deploy/version.yaml'
  },
  {
    script:
      "id=$(jobforge submit-job build.yaml --no-version -o name); jobforge get-status $id | jq -c '.config.image_tags[1:]'",
    holds: ({ stdout }) => assert.strictEqual(stdout, '["latest"]\n')
  }
]

export const local: ReadonlyArray<Example> = [
  { script: "jobforge", holds: ({ stdout }) => assert.include(stdout, "Usage: jobforge") },
  { script: "jobforge --help", holds: ({ stdout }) => assert.include(stdout, "submit-job") },
  { script: "jobforge submit-job --help", holds: ({ stdout }) => assert.include(stdout, "--image-tags") },
  { script: "jobforge --version", holds: ({ stdout }) => assert.match(stdout, /^\d+\.\d+\.\d+\n$/) },
  { script: "jobforge get-stauts x", code: 2, holds: ({ stderr }) => assert.include(stderr, "get-status") },
  { script: "jobforge get-status", code: 2 },
  { script: "jobforge validate build.yaml failing.yaml" },
  {
    script:
      "printf 'owner: a\\nimage_name: b\\nregistry_url: c.example.com\\nrepo_url: https://example.com/x.git\\ntest:\\n  comands: [x]\\n' > bad.yaml; jobforge validate bad.yaml",
    code: 2,
    holds: ({ stdout }) => assert.match(stdout, /^bad\.yaml:6:3: test\.comands: /m)
  },
  { script: "jobforge explain test.commands", holds: ({ stdout }) => assert.include(stdout, "test.commands") },
  {
    script: [
      "mkdir records && cp build.yaml records/web.yaml",
      "jobforge sync records --prefix team-a --dry-run --exit-code > plan; test $? = 1",
      "jobforge sync records --prefix team-a && jobforge sync records --prefix team-a",
      "rm records/web.yaml; jobforge sync records --prefix team-a --prune --allow-empty"
    ].join("\n"),
    holds: ({ stdout }) => {
      assert.match(stdout, /^created team-a\/web$/m)
      assert.match(stdout, /^deleted team-a\/web$/m)
    }
  },
  { script: "jobforge completion bash | bash -n" }
]

/** What scripts do with a job that fails, or that somebody kills. */
export const endings: ReadonlyArray<Example> = [
  {
    script: "jobforge submit-job build.yaml --watch",
    holds: ({ stdout }) => assert.include(stdout, "✅ Job completed successfully\n")
  },
  {
    script: "jobforge submit-job failing.yaml -w --no-version",
    code: 1,
    holds: ({ stderr, stdout }) => {
      assert.include(stdout, "❌ Job failed: ")
      assert.include(stdout, "Failed phase: build\n")
      assert.include(stdout, "/no/such/file")
      assert.include(stderr, "Error: job failed")
    }
  },
  {
    script: "id=$(jobforge submit-job failing.yaml -o name); jobforge wait $id >/dev/null",
    code: 1
  },
  {
    script:
      "id=$(jobforge submit-job failing.yaml -o name); jobforge wait $id --for ended -o name >/dev/null && jobforge diagnose $id",
    holds: ({ stdout }) => {
      assert.include(stdout, "/no/such/file")
      assert.match(stdout, /^Next: .+$/m)
    }
  },
  {
    script:
      "id=$(jobforge submit-job slow.yaml -o name); jobforge wait $id --timeout 1s; code=$?; jobforge kill-job $id >/dev/null; exit $code",
    code: 4
  },
  {
    script: [
      "id=$(jobforge submit-job slow.yaml -o name)",
      "jobforge wait $id --for phase=build >/dev/null",
      "jobforge kill-job $id | jq -c '[.success, .message]'",
      "jobforge wait $id >/dev/null; code=$?",
      "jobforge get-status $id | jq -r '.status + \" \" + .reason'",
      "exit $code"
    ].join("\n"),
    code: 3,
    holds: ({ stdout }) => assert.strictEqual(stdout, '[true,"Job killed successfully"]\nFAILED Cancelled\n')
  },
  {
    script: [
      "id=$(jobforge submit-job failing.yaml -o name); jobforge wait $id --for ended >/dev/null",
      "jobforge retry $id >/dev/null && jobforge wait $id --for ended -o name"
    ].join("\n")
  },
  {
    // Ctrl-C ends the watching, not the job.
    script: [
      "id=$(jobforge submit-job slow.yaml -o name)",
      "timeout --preserve-status --signal INT 8 jobforge watch $id > seen; code=$?",
      "jobforge get-status $id | jq -r .status; jobforge kill-job $id > killed; exit $code"
    ].join("\n"),
    code: 130,
    holds: ({ stderr, stdout }) => {
      assert.strictEqual(stdout, "BUILDING\n")
      assert.match(stderr, /goes on\.\nWatch it again: jobforge watch .*\nKill it: jobforge kill-job .*\n/)
    }
  },
  {
    // A pipeline's loop as scripts have it: it must end for a job that somebody killed, too.
    script: [
      "JOB_ID=$(cat slow.yaml | jobforge submit-job | jq -r '.job_id')",
      "(sleep 2; jobforge kill-job $JOB_ID >/dev/null) &",
      "while true; do",
      "  STATUS=$(jobforge get-status $JOB_ID | jq -r '.status')",
      '  if [[ "$STATUS" == "SUCCEEDED" ]]; then break',
      '  elif [[ "$STATUS" == "FAILED" ]]; then jobforge get-logs $JOB_ID >/dev/null; exit 1; fi',
      "  sleep 1",
      "done"
    ].join("\n"),
    code: 1
  }
]
