import { assert, describe, it } from "@effect/vitest"
import { Duration, Schema } from "effect"
import { JobState } from "../../src/api/JobState.ts"
import { History } from "../../src/api/Answers.ts"
import type { Attempt, Status } from "../../src/domain/Status.ts"
import { allocationsOf } from "../../src/server/allocationsOf.ts"
import { historyView, statusView } from "../../src/server/statusView.ts"
import { minimal } from "../domain/records.ts"

const id = "550e8400-e29b-41d4-a716-446655440000"
const at = Date.UTC(2025, 9, 10, 14, 23, 45, 100)

const build: Attempt = {
  nomad_job_id: `build-${id}-1`,
  phase: "build",
  attempt: 1,
  intended_at: at,
  seen: true,
  allocation_id: "a1b2c3d4-0000-4000-8000-000000000000",
  node: "worker-1",
  started_at: at + 1000,
  finished_at: at + 2000,
  outcome: {
    result: "failed",
    reason: "ChildLost",
    message: "the node went away",
    infrastructure: true,
    logs: "unavailable",
    log_bytes: 0,
    log_truncated: false,
    at: at + 3000
  }
}

const status: Status = {
  name: id,
  generation: 1,
  hash: "h",
  job_id: id,
  status: "TESTING",
  phase: "test",
  config: {
    ...minimal,
    image_tags: ["latest"],
    build_timeout: Duration.minutes(30),
    test: { entry_point: true, timeout: Duration.minutes(15) },
    resource_limits: { cpu: 2000 },
    webhook_url: "https://hooks.example.com/1",
    webhook_secret: "hush",
    webhook_headers: { authorization: "Bearer hush" }
  },
  images: [`registry.example.com:5000/builds/team/app:${id}`],
  times: { job_start: at, build_start: at + 1000, build_end: at + 136_000, test_start: at + 140_000 },
  slots: [],
  attempts: [build, { ...build, attempt: 2, nomad_job_id: `build-${id}-2`, outcome: undefined }],
  conditions: [],
  events: [{ at, reason: "Accepted", message: "generation 1" }],
  updated_at: at + 140_000
}

const encode = Schema.encodeSync(JobState)

describe("statusView", () => {
  const view = statusView({ status, index: 42, archived: false })

  it("is what the definition says, with times in UTC and durations in nanoseconds", () => {
    const wire = encode(view)
    assert.strictEqual(wire.metrics.job_start, "2025-10-10T14:23:45.100Z")
    assert.strictEqual(wire.metrics.build_duration, 135_000_000_000)
    assert.strictEqual(wire.metrics.test_duration, 0)
    assert.strictEqual(wire.metrics.total_duration, 0)
    assert.isUndefined(wire.metrics.test_end)
    assert.strictEqual(wire.config?.build_timeout, 1_800_000_000_000)
    assert.strictEqual(wire.config?.test?.timeout, 900_000_000_000)
    assert.deepStrictEqual(wire.config?.resource_limits, { cpu: "2000" })
    assert.deepStrictEqual(wire.config?.image_tags, [id, "latest"])
    assert.deepStrictEqual([wire.config?.git_ref, wire.config?.dockerfile_path], ["main", "Dockerfile"])
    assert.strictEqual(wire.index, 42)
  })

  it("never has what a record says in confidence", () => {
    const text = JSON.stringify([encode(view), Schema.encodeSync(History)({ jobs: [historyView(status)], total: 1 })])
    assert.notInclude(text, "hush")
    assert.notInclude(text, "webhook_secret")
    assert.notInclude(text, "webhook_headers")
    assert.include(text, "https://hooks.example.com/1")
  })

  it("shows the newest attempt of a step as its allocation, and all of them as attempts", () => {
    assert.deepStrictEqual(view.allocations.build?.allocations, [
      {
        id: "a1b2c3d4",
        full_id: "a1b2c3d4-0000-4000-8000-000000000000",
        client_status: "running",
        desired_status: "run",
        node_id: "",
        node_name: "worker-1",
        created_at: "2025-10-10T14:23:45.100Z",
        modified_at: "2025-10-10T14:23:47.100Z"
      }
    ])
    assert.deepStrictEqual(
      view.attempts.map(({ attempt, reason, result }) => [attempt, result, reason]),
      [
        [1, "failed", "ChildLost"],
        [2, undefined, undefined]
      ]
    )
    const node_id = "00000000-0000-4000-8000-0000000000d1"
    const [build] =
      allocationsOf({ attempts: status.attempts.map((one) => ({ ...one, node_id })) }).build?.allocations ?? []
    assert.strictEqual(build?.node_id, node_id)
    assert.deepStrictEqual(view.allocations.test, [])
    assert.isUndefined(view.allocations.publish)
  })

  it("says of a failed allocation why", () => {
    const failed = statusView({ status: { ...status, attempts: [build] }, index: 1, archived: true })
    const [allocation] = failed.allocations.build?.allocations ?? []
    assert.strictEqual(allocation?.client_status, "failed")
    assert.strictEqual(allocation?.failed_reason, "ChildLost: the node went away")
    assert.deepStrictEqual(allocation?.task_states, {
      main: { state: "dead", failed: true, last_event: "ChildLost", last_message: "the node went away" }
    })
  })

  it("names the published image by its digest, and no image before that", () => {
    const digest = `sha256:${"0".repeat(64)}`
    assert.isUndefined(statusView({ status: { ...status, digest }, index: 1, archived: false }).image)
    const done = statusView({ status: { ...status, digest, status: "SUCCEEDED" }, index: 1, archived: false })
    assert.strictEqual(done.image, `registry.example.com:5000/builds/team/app@${digest}`)
  })

  it("goes by the record's name where there is no run", () => {
    const { config: _config, job_id: _id, ...refused } = status
    const view = statusView({ status: { ...refused, name: "team/web", status: "FAILED" }, index: 1, archived: false })
    assert.strictEqual(view.job_id, "team/web")
    assert.isUndefined(view.config)
  })
})
