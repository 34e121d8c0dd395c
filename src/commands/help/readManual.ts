import { connection, jobExits, type Manual, serviceExits } from "./Manual.ts"

const answered = [0, "answered"] as const

/** Whatever the job's own state is: that is for `wait` and `watch` to tell by their exit codes. */
const read = { exitCodes: [answered, ...jobExits], environment: connection }

export const readManual: Readonly<Record<string, Manual>> = {
  "get-status": {
    details: ["Where Nomad placed a step more than once, stderr tells of each placement."],
    examples: [
      ["All that is known", "jobforge get-status web"],
      ["One value", "jobforge get-status web | jq -r .status"],
      ["For a table", "jobforge get-status web -o table"]
    ],
    ...read
  },
  "get-logs": {
    details: ["The lines by phase, as the service answers. What builds and tests write is untrusted: don't run it."],
    examples: [
      ["All phases", "jobforge get-logs web"],
      ["One phase", "jobforge get-logs web build"],
      ["The last error lines of the tests", "jobforge get-logs web --phase test --grep error --tail 20"],
      ["As text", "jobforge get-logs web | jq -r '.logs.build[]'"]
    ],
    ...read
  },
  logs: {
    details: [
      "The lines alone, each phase after the other. With --follow they come as they are written, until the job is over. In a terminal, control characters are shown, not obeyed."
    ],
    examples: [
      ["Follow a running job", "jobforge logs -f web"],
      ["The tests' last lines", "jobforge logs web test --tail 100"],
      [
        "What the second test wrote to stderr in its last attempt",
        "jobforge logs web --phase test --test 1 --stream stderr --attempt last"
      ]
    ],
    ...read
  },
  diagnose: {
    details: [
      "Names the cause, the failing step, the first line that tells of it with its neighbours, whether another try can help, and what to do now. It is at most 8 KiB, for people and coding agents alike."
    ],
    examples: [
      ["Why it failed", "jobforge diagnose web"],
      ["The cause, for a script", "jobforge diagnose web -o json | jq -r .cause"]
    ],
    ...read
  },
  events: {
    details: [
      "Transitions, retries and what the controller waited for, oldest first. With --follow the ones to come, too."
    ],
    examples: [
      ["What happened", "jobforge events web"],
      ["As it happens", "jobforge events -f web"]
    ],
    ...read
  },
  list: {
    details: ["Jobs that came over HTTP and records that operators, Git or other tools wrote, newest first."],
    examples: [
      ["The latest", "jobforge list"],
      ["What runs or waits, live", "jobforge list --status pending,building,testing,publishing --watch"],
      ["An owner's failures, by name", "jobforge list --owner team-a --status failed -o name"],
      ["The second hundred", "jobforge list -n 100 --offset 100"]
    ],
    exitCodes: [answered, ...serviceExits],
    environment: connection
  },
  "get-history": {
    details: [
      "The same as list, with the limit and the offset as arguments and JSON as the answer: scripts know it so."
    ],
    examples: [
      ["The latest ten", "jobforge get-history"],
      ["The eleventh to the thirtieth", "jobforge get-history 20 10"],
      [
        "How many failed among the last hundred",
        "jobforge get-history 100 | jq '[.jobs[] | select(.status == \"FAILED\")] | length'"
      ]
    ],
    exitCodes: [answered, ...serviceExits],
    environment: connection
  },
  health: {
    details: ["Asks the service, and through it Consul, Nomad and Vault."],
    examples: [
      ["For people", "jobforge health"],
      ["For a monitor", "jobforge health -o json || echo unwell"],
      ["Of another service", "jobforge --url http://10.0.0.5:8080 health"]
    ],
    exitCodes: [[0, "healthy"], [1, "unhealthy"], ...serviceExits.slice(1)],
    environment: connection
  }
}
