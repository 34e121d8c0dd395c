import { assert, describe, it } from "@effect/vitest"
import type { Attempt, JobPhase, Status } from "../../src/domain/Status.ts"
import { transitionsOf } from "../../src/server/transitionsOf.ts"

const intended = (phase: JobPhase, at: number): Attempt => ({
  nomad_job_id: `${phase}-1`,
  phase,
  attempt: 1,
  intended_at: at,
  seen: true
})

const pending: Status = {
  name: "web",
  generation: 1,
  hash: "h",
  job_id: "1",
  status: "PENDING",
  images: [],
  times: { job_start: 0 },
  slots: [],
  attempts: [],
  conditions: [],
  events: [],
  updated_at: 0
}

const building: Status = { ...pending, status: "BUILDING", phase: "build", attempts: [intended("build", 1000)] }
const testing: Status = {
  ...building,
  status: "TESTING",
  phase: "test",
  attempts: [...building.attempts, intended("test", 2000), intended("test", 1500)]
}
const done: Status = { ...testing, status: "SUCCEEDED", times: { job_start: 0, job_end: 5000 } }

const told = (status: Status) =>
  transitionsOf(status, 7).map(
    ({ rank, transition }) => `${rank} ${transition.status} ${Date.parse(transition.timestamp)}`
  )

describe("transitionsOf", () => {
  it("tells each status that a job has had, in order, with its own time, also of those that nobody saw", () => {
    assert.deepStrictEqual(told(pending), ["0 PENDING 0"])
    assert.deepStrictEqual(told(building), ["0 PENDING 0", "1 BUILDING 1000"])
    assert.deepStrictEqual(told(testing), ["0 PENDING 0", "1 BUILDING 1000", "2 TESTING 1500"])
    assert.deepStrictEqual(told(done), ["0 PENDING 0", "1 BUILDING 1000", "2 TESTING 1500", "4 SUCCEEDED 5000"])
  })

  it("leaves out a phase that was never reached, and ends with why", () => {
    const failed: Status = {
      ...building,
      status: "FAILED",
      failed_phase: "build",
      reason: "BuildFailed",
      error: "exit code 2",
      times: { job_start: 0, job_end: 9000 }
    }
    assert.deepStrictEqual(told(failed), ["0 PENDING 0", "1 BUILDING 1000", "4 FAILED 9000"])
    const last = transitionsOf(failed, 7).at(-1)?.transition
    assert.deepStrictEqual([last?.failed_phase, last?.reason, last?.error], ["build", "BuildFailed", "exit code 2"])
  })

  it("of a record that was refused tells only that", () => {
    const { job_id: _id, ...refused } = pending
    assert.deepStrictEqual(told({ ...refused, status: "FAILED", times: { job_start: 0, job_end: 0 } }), ["4 FAILED 0"])
  })
})
