import { assert, describe, it } from "@effect/vitest"
import { jobMetrics } from "../../src/domain/jobMetrics.ts"
import type { Attempt, Phase, Usage } from "../../src/domain/Status.ts"

const start = Date.UTC(2025, 9, 10, 14, 23, 45, 100)

describe("a run's metrics", () => {
  it("have the milestones that there are, and every duration in nanoseconds", () => {
    const times = {
      job_start: start,
      build_start: start + 1000,
      build_end: start + 136_000,
      test_start: start + 137_000
    }
    assert.deepStrictEqual(jobMetrics({ status: "TESTING", times, attempts: [] }), {
      job_start: "2025-10-10T14:23:45.100Z",
      build_start: "2025-10-10T14:23:46.100Z",
      build_end: "2025-10-10T14:26:01.100Z",
      test_start: "2025-10-10T14:26:02.100Z",
      build_duration: 135_000_000_000,
      test_duration: 0,
      publish_duration: 0,
      total_duration: 0,
      resource_usage: { max_cpu: 0, max_memory: 0, disk_used: 0 }
    })
  })

  it("have the most that a step of build or publish has used, of all that were measured", () => {
    const attempt = (phase: Phase, usage?: Usage): Attempt => ({
      nomad_job_id: `${phase}-1`,
      phase,
      attempt: 1,
      intended_at: start,
      seen: true,
      outcome: {
        result: "succeeded",
        logs: "none",
        log_bytes: 0,
        log_truncated: false,
        at: start,
        ...(usage === undefined ? {} : { usage })
      }
    })
    const attempts = [
      attempt("build", { cpu: 1500, memory: 700, disk: 10 }),
      attempt("test"),
      attempt("publish", { cpu: 100, memory: 30, disk: 12 }),
      attempt("cleanup", { cpu: 9999, memory: 9999, disk: 9999 })
    ]
    assert.deepStrictEqual(jobMetrics({ status: "SUCCEEDED", times: {}, attempts }).resource_usage, {
      max_cpu: 1500,
      max_memory: 700,
      disk_used: 12
    })
  })

  it("tell how long it took once it is over", () => {
    const times = { job_start: start, job_end: start + 5 }
    assert.strictEqual(jobMetrics({ status: "FAILED", times, attempts: [] }).total_duration, 5_000_000)
  })

  it("tell no time that runs backwards, however clocks differ", () => {
    const times = { job_start: start, build_start: start, build_end: start - 5 }
    assert.strictEqual(jobMetrics({ status: "BUILDING", times, attempts: [] }).build_duration, 0)
  })
})
