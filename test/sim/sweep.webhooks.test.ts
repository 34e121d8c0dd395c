import { describeSweep } from "./describeSweep.ts"
import type { PlacedOperation } from "./Plan.ts"
import { recordText, type Scenario } from "./scenarios.ts"
import { crash, pausedLeader } from "./sweep.ts"

const put = (at: number, name: string, fields: Readonly<Record<string, unknown>>): PlacedOperation => ({
  at,
  operation: {
    do: "put",
    name,
    text: recordText({ webhook_url: "https://hooks.example.com", webhook_secret: "s", ...fields })
  }
})

/** Lives that somebody is told of; the oracle that looks at the outbox has nothing to look at in the others. */
const told: ReadonlyArray<Scenario> = [
  {
    name: "one command, told",
    operations: [put(1000, "web", { test: { commands: ["true"] } })],
    outcomes: ["web: SUCCEEDED"]
  },
  {
    name: "a retried build and a failing test, told",
    operations: [put(1000, "web", { git_ref: "flaky", test: { commands: ["exit 3", "true"] } })],
    outcomes: ["web: FAILED (TestFailed)"]
  },
  {
    // What waits and is replaced never has a status that says how it ended.
    name: "replaced while it waits for another's image, told",
    operations: [
      put(1000, "web", {}),
      put(1500, "other", { git_ref: "main" }),
      put(2500, "other", { git_ref: "main", image_tags: ["v2"] })
    ],
    outcomes: ["web: SUCCEEDED", "other: SUCCEEDED"]
  },
  {
    name: "deleted while building, told",
    operations: [
      put(1000, "web", { test: { commands: ["true"] } }),
      { at: 2500, operation: { do: "delete", name: "web" } }
    ],
    outcomes: ["web: FAILED (Deleted)"],
    brief: true
  }
]

describeSweep(crash, told)
// A second leader writes the same: one life shows it.
describeSweep(pausedLeader, told.slice(0, 1))
