import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import { parseLegacyJob } from "../../src/domain/LegacyJob.ts"
import { legacyConfig } from "../../src/domain/legacyConfig.ts"
import { legacyStatus } from "../../src/domain/legacyStatus.ts"
import { minimal } from "./records.ts"

const id = "3f2c8f0e-7f0b-4d7c-9d0a-5e1a2b3c4d5e"

const parsed = (more: Readonly<Record<string, unknown>>) =>
  parseLegacyJob(JSON.stringify({ id, config: minimal, status: "FAILED", created_at: "2025-10-10T14:00:00Z", ...more }))

const moved = (more: Readonly<Record<string, unknown>>) => {
  const job = Option.getOrThrow(parsed(more))
  return legacyStatus(job, legacyConfig(job.config), { now: 0, source: "old/jobs/a", redact: (text) => text })
}

const eventOf = (more: Readonly<Record<string, unknown>>): string =>
  moved(more)
    .status.events.map(({ message }) => message)
    .join("\n")

describe("a job of the ancestor's", () => {
  it("began when it was written, where Go's zero time stands for its beginning", () => {
    const zero = "0001-01-01T00:00:00Z"
    const job = Option.getOrThrow(parsed({ created_at: zero, updated_at: "2025-10-10T15:00:00Z" }))
    assert.strictEqual(job.createdAt, Date.parse("2025-10-10T15:00:00Z"))
    assert.isTrue(Option.isNone(parsed({ created_at: zero })))
    assert.isTrue(Option.isNone(parsed({ status: "DONE" })))
  })

  it("has no line of a phase whose list Go wrote as null", () => {
    const job = Option.getOrThrow(parsed({ logs: { build: null, test: null, publish: null } }))
    assert.deepStrictEqual(job.logs, { build: [], test: [], publish: [] })
    assert.deepStrictEqual(moved({ logs: null }).logs, [])
  })

  it("keeps a configuration that can't be read out of its status, and says so", () => {
    const config = { owner: "a" }
    assert.isUndefined(moved({ config }).status.config)
    assert.deepStrictEqual(moved({ config }).status.images, [])
    assert.include(eventOf({ config }), "can't be read")
  })

  it("leaves out what says nothing here, whole lists for one wrong place of theirs", () => {
    const config = {
      ...minimal,
      image_tags: ["latest", "no tag!"],
      test: { commands: ["true"], gpu_count: "many" },
      x: [1]
    }
    const { dropped, job } = legacyConfig(config)
    assert.sameMembers([...dropped], ["image_tags.1", "test.gpu_count", "x"])
    assert.deepStrictEqual(job?.test?.commands, ["true"])
    assert.include(eventOf({ config }), "left out of its configuration: ")
  })

  it("takes for unsaid what Go writes for nothing", () => {
    const config = { ...minimal, git_credentials_path: "", build_timeout: 0, image_tags: null, test: { timeout: 0 } }
    assert.deepStrictEqual(legacyConfig(config).dropped, [])
    assert.strictEqual(legacyConfig(config).hash, legacyConfig({ ...minimal, test: {} }).hash)
  })

  it("keeps no secret of its configuration, whatever stands in its place", () => {
    const url = "https://token@git.example.com/app.git"
    const config = {
      ...minimal,
      repo_url: url,
      webhook_secret: "s3cret-value",
      webhook_headers: { a: "Bearer abc", b: 5 }
    }
    assert.includeMembers([...legacyConfig(config).secrets], ["token", "s3cret-value"])
    assert.notInclude(JSON.stringify(legacyConfig(config).job), "token")
    assert.include(eventOf({ config }), "was not kept")
    assert.deepStrictEqual(
      legacyConfig({ ...minimal, webhook_secret: "", webhook_headers: "none", repo_url: 5 }).secrets,
      []
    )
  })

  it.each([
    ["Job killed by user", "", "Cancelled"],
    ["Build phase failed: Job failed to schedule - no allocations placed", "build", "Unplaceable"],
    ["Test phase failed", "test", "TestFailed"],
    ["Publish phase failed", "publish", "PushFailed"],
    ["Publish phase failed", "deploy", "BuildFailed"],
    ["", "", "BuildFailed"]
  ] as const)("that failed with %o in %o has the reason %s", (error, phase, reason) => {
    const { status } = moved({ error, failed_phase: phase })
    assert.strictEqual(status.reason, reason)
    assert.isNotEmpty(status.error)
  })

  it.each([
    ["PENDING", undefined],
    ["BUILDING", "build"],
    ["TESTING_EXTERNAL", "test"],
    ["PUBLISHING", "publish"]
  ] as const)("that was %s is followed by nobody, and failed in %s", (status, phase) => {
    for (const ids of [{}, { build_job_id: `build-${id}` }]) {
      const { failed_phase: failedPhase, error = "", reason } = moved({ status, ...ids }).status
      assert.deepStrictEqual([reason, failedPhase], ["ChildLost", phase])
      assert.strictEqual(error.includes(`build-${id}`), "build_job_id" in ids)
    }
  })

  it("has each test's lines by themselves, and those of none as its entry point's", () => {
    const test = [
      "before any header",
      `=== Test Job 0 (test-cmd-${id}-0) ===`,
      "[main/stderr] one",
      "",
      `=== Test Job 1 (test-entry-${id}) ===`,
      "no mark",
      "=== Test Job 2 (some-other-job) ===",
      "[main/stdout] two",
      `=== External Test Job (test-external-${id}) ===`,
      "outside"
    ]
    const error = `Test phase failed in job test-cmd-${id}-0: it exited`
    const { logs } = moved({ logs: { build: ["[main/stdout]"], test, publish: null }, error, failed_phase: "test" })
    assert.deepStrictEqual(
      logs.map((step) => [step.phase, step.test, step.failed, step.stdout, step.stderr]),
      [
        ["build", undefined, false, "\n", ""],
        ["test", { kind: "entry-point" }, false, "before any header\nno mark\noutside\n", ""],
        ["test", { kind: "command", index: 0 }, true, "", "one\n"],
        ["test", { kind: "command", index: 2 }, false, "two\n", ""]
      ]
    )
    const silent = moved({ logs: { build: ["a"], test: ["b"], publish: null } })
    assert.deepStrictEqual(
      silent.logs.map(({ failed }) => failed),
      [false, true]
    )
  })

  it("that succeeded has no failed step, and ends when its history says", () => {
    const { logs, status } = moved({
      status: "SUCCEEDED",
      duration: 60e9,
      logs: { build: ["a"], test: null, publish: null }
    })
    assert.deepStrictEqual([status.status, status.reason, logs[0]?.failed], ["SUCCEEDED", undefined, false])
    assert.strictEqual(status.times.job_end, Date.parse("2025-10-10T14:01:00Z"))
    const counted = moved({ metrics: { job_start: "2025-10-10T14:00:10Z", job_end: "2025-10-10T14:02:00Z" } }).status
    assert.strictEqual(counted.times.job_end, Date.parse("2025-10-10T14:02:00Z"))
    assert.strictEqual(counted.times.job_start, Date.parse("2025-10-10T14:00:10Z"))
  })
})
