import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { brokenRef, failingTest } from "../../scripts/chaos/modelDriver.ts"
import { alone, field, namesOf, over, slow, staged, submitted, time } from "../server/httpScenes.ts"
import { record } from "../zoo/support/Stage.ts"

const durations = ["build_duration", "test_duration", "publish_duration", "total_duration"]

const starts = [
  "job_start",
  "build_start",
  "build_end",
  "test_start",
  "test_end",
  "publish_start",
  "publish_end",
  "job_end"
]

describe("the interface's section 2.3", () => {
  it.scopedLive("2.3: the status of a tested and published job has every field of the example, in its order", () =>
    staged((desk) =>
      Effect.gen(function* () {
        const id = yield* submitted(
          desk,
          record("app", { test: { entry_point: true, timeout: "15m" }, webhook_secret: "hush" })
        )
        const { headers, json } = yield* over(desk, id)
        const first = ["job_id", "status", "config", "metrics", "allocations"]
        assert.deepStrictEqual(namesOf(json).slice(0, first.length), first)
        assert.deepStrictEqual([field(json, "job_id"), field(json, "status")], [id, "SUCCEEDED"])
        assert.deepStrictEqual(field(json, "config"), {
          owner: "zoo",
          repo_url: "https://git.example.com/zoo/app.git",
          git_ref: "main",
          git_credentials_path: "",
          dockerfile_path: "Dockerfile",
          dockerfile_context: ".",
          image_name: "zoo/app",
          image_tags: [id, "latest"],
          registry_url: "registry.example.com:5000",
          registry_credentials_path: "",
          test: { entry_point: true, timeout: 900_000_000_000 }
        })
        assert.match(String(field(json, "digest")), /^sha256:[0-9a-f]{64}$/)
        assert.strictEqual(field(json, "image"), `registry.example.com:5000/zoo/app@${String(field(json, "digest"))}`)
        assert.strictEqual(headers.get("x-jobforge-index"), String(field(json, "index")))
        const paths = [`/json/job/${id}/status`, `/mcp/job/${id}/status`, `/jobs/${id}/status`, `/jobs/${id}`]
        for (const path of paths) {
          const again = yield* desk.ask(path)
          assert.strictEqual(field(again.json, "digest"), field(json, "digest"), path)
          assert.notInclude(again.text, "hush")
        }
        for (const path of ["/json/getStatus", "/mcp/getStatus"]) {
          const again = yield* desk.post(path, { JOB_ID: id })
          assert.strictEqual(field(again.json, "digest"), field(json, "digest"), path)
        }
      })
    )
  )

  it.scopedLive("2.3: metrics have eight times in UTC, four durations in nanoseconds, and resource_usage", () =>
    staged((desk) =>
      Effect.gen(function* () {
        const id = yield* submitted(desk, record("app", { test: { commands: ["true"] } }))
        const { json } = yield* over(desk, id)
        const metrics = field(json, "metrics")
        assert.deepStrictEqual(namesOf(metrics), [...starts, ...durations, "resource_usage"])
        for (const name of starts) assert.match(String(field(metrics, name)), time, name)
        const between = (from: string, to: string) =>
          (Date.parse(String(field(metrics, to))) - Date.parse(String(field(metrics, from)))) * 1_000_000
        assert.deepStrictEqual(
          durations.map((name) => field(metrics, name)),
          [
            between("build_start", "build_end"),
            between("test_start", "test_end"),
            between("publish_start", "publish_end"),
            between("job_start", "job_end")
          ]
        )
        assert.deepStrictEqual(field(metrics, "resource_usage"), { max_cpu: 0, max_memory: 0, disk_used: 0 })
      })
    )
  )

  it.scopedLive("2.3: of a job that is being built only the times that were reached are there, and no error", () =>
    staged((desk, stage) =>
      Effect.gen(function* () {
        const id = yield* submitted(desk, slow)
        yield* stage.until(id, ({ times }) => times.build_start !== undefined)
        const { json } = yield* desk.ask(`/json/job/${id}/status`)
        assert.deepStrictEqual(namesOf(field(json, "metrics")), [
          "job_start",
          "build_start",
          ...durations,
          "resource_usage"
        ])
        for (const name of durations) assert.strictEqual(field(json, "metrics", name), 0)
        assert.deepStrictEqual([field(json, "status"), field(json, "phase")], ["BUILDING", "build"])
        assert.notProperty(json, "error")
        assert.notProperty(json, "failed_phase")
        yield* desk.post("/json/killJob", { job_id: id })
      })
    )
  )

  it.scopedLive("2.3: allocations have build as an object, test as a list, and publish once there is one", () =>
    staged((desk) =>
      Effect.gen(function* () {
        const id = yield* submitted(desk, record("app", { test: { commands: ["true"], entry_point: true } }))
        const { json } = yield* over(desk, id)
        const allocations = field(json, "allocations")
        assert.deepStrictEqual(namesOf(allocations), ["build", "test", "publish", "has_any_warning"])
        assert.deepStrictEqual(
          [field(allocations, "test", 0, "nomad_job_id"), field(allocations, "test", 1, "nomad_job_id")],
          [`test-cmd-${id}-0-1`, `test-entry-${id}-1`]
        )
        assert.strictEqual(field(allocations, "has_any_warning"), false)
        for (const step of [
          field(allocations, "build"),
          field(allocations, "test", 0),
          field(allocations, "publish")
        ]) {
          assert.deepStrictEqual(namesOf(step), [
            "phase",
            "nomad_job_id",
            "allocation_count",
            "allocations",
            "has_warning"
          ])
          assert.deepStrictEqual([field(step, "allocation_count"), field(step, "has_warning")], [1, false])
          const allocation = field(step, "allocations", 0)
          assert.deepStrictEqual(namesOf(allocation), [
            "id",
            "full_id",
            "client_status",
            "desired_status",
            "node_id",
            "node_name",
            "created_at",
            "modified_at"
          ])
          assert.strictEqual(field(allocation, "id"), String(field(allocation, "full_id")).slice(0, 8))
          assert.deepStrictEqual(
            [field(allocation, "client_status"), field(allocation, "desired_status")],
            ["complete", "run"]
          )
          for (const name of ["created_at", "modified_at"]) assert.match(String(field(allocation, name)), time)
        }
        const untested = yield* over(desk, yield* submitted(desk, record("plain")))
        assert.deepStrictEqual(namesOf(field(untested.json, "allocations")), ["build", "test", "has_any_warning"])
      })
    )
  )

  it.scopedLive("2.3: a failed allocation has failed_reason and task_states, the others have neither", () =>
    staged((desk) =>
      Effect.gen(function* () {
        const id = yield* submitted(desk, record("red", { test: { commands: ["true", failingTest] } }))
        const { json } = yield* over(desk, id)
        const passed = field(json, "allocations", "test", 0, "allocations", 0)
        assert.strictEqual(field(passed, "client_status"), "complete")
        assert.notProperty(passed, "failed_reason")
        assert.notProperty(passed, "task_states")
        const failed = field(json, "allocations", "test", 1, "allocations", 0)
        assert.strictEqual(field(failed, "client_status"), "failed")
        assert.match(String(field(failed, "failed_reason")), /^TestFailed: ./)
        const main = field(failed, "task_states", "main")
        assert.deepStrictEqual(namesOf(main), ["state", "failed", "last_event", "last_message"])
        assert.deepStrictEqual([field(main, "state"), field(main, "failed")], ["dead", true])
      })
    )
  )

  for (const [phase, config] of [
    ["build", record("broken", { git_ref: brokenRef })],
    ["test", record("red", { test: { commands: [failingTest] } })]
  ] as const) {
    it.scopedLive(`2.3: a job that failed in its ${phase} names failed_phase ${phase} and says why in error`, () =>
      staged((desk) =>
        Effect.gen(function* () {
          const { json } = yield* over(desk, yield* submitted(desk, config))
          assert.deepStrictEqual([field(json, "status"), field(json, "failed_phase")], ["FAILED", phase])
          assert.isNotEmpty(field(json, "error"))
        })
      )
    )
  }

  it.scoped("2.3: a reading of the status changes nothing, whatever is read and however often", () =>
    alone((desk, consul) =>
      Effect.gen(function* () {
        const id = yield* submitted(desk, slow)
        const before = yield* consul.list("jobforge-service/")
        for (const name of ["status", "logs", "diagnosis", "status?wait=1s"]) {
          assert.strictEqual((yield* desk.ask(`/json/job/${id}/${name}`)).status, 200, name)
        }
        yield* desk.post("/json/getStatus", { job_id: id })
        yield* desk.post("/json/getHistory", {})
        assert.deepStrictEqual(yield* consul.list("jobforge-service/"), before)
      })
    )
  )
})
