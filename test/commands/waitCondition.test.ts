import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { JobState } from "../../src/api/JobState.ts"
import { waitCondition } from "../../src/commands/waitCondition.ts"

const at = "2026-01-31T09:30:00.000Z"

const state: JobState = {
  job_id: "id",
  name: "web",
  status: "TESTING",
  phase: "test",
  metrics: {
    build_duration: 0,
    test_duration: 0,
    publish_duration: 0,
    total_duration: 0,
    resource_usage: { max_cpu: 0, max_memory: 0, disk_used: 0 }
  },
  allocations: { test: [], has_any_warning: false },
  index: 7,
  generation: 1,
  log_tail: [],
  errors: [],
  images: [],
  attempts: [],
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
  ],
  events: [],
  archived: false,
  created_at: at,
  updated_at: at
}

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
