import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { waitCondition } from "../../src/commands/waitCondition.ts"
import { job } from "./watch/watchedJobs.ts"

const at = "2026-01-31T09:30:00.000Z"

const state = job({
  status: "TESTING",
  phase: "test",
  conditions: [
    {
      type: "Valid",
      status: "True",
      reason: "Accepted",
      message: "",
      observed_generation: 1,
      last_transition_time: at
    },
    {
      type: "Succeeded",
      status: "Unknown",
      reason: "Testing",
      message: "",
      observed_generation: 1,
      last_transition_time: at
    }
  ]
})

describe("what somebody waits for", () => {
  it.effect.each([
    ["succeeded", false],
    ["ended", false],
    ["status=TESTING", true],
    ["status=testing", true],
    ["status=FAILED", false],
    ["phase=test", true],
    ["phase=publish", false],
    ["condition=Valid", true],
    ["condition=Succeeded", false],
    ["condition=Succeeded=Unknown", true]
  ] as const)("%s is %s of a job that is being tested", ([text, expected]) =>
    Effect.map(waitCondition(text), (holds) => assert.strictEqual(holds(state), expected))
  )

  it.effect.each([
    ["done", "succeeded, ended, status=STATUS"],
    ["status=DONE", "PENDING, BUILDING"],
    ["phase=deploy", "build, test, publish"],
    ["condition=Ready", "Valid, "]
  ] as const)("%s is refused with what there is", ([text, accepted]) =>
    Effect.map(Effect.flip(waitCondition(text)), (error) => {
      assert.strictEqual(error.exitCode, 2)
      assert.include(error.message, "--for")
      assert.include(error.message, accepted)
    })
  )
})
