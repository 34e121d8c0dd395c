import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { alone, ended, errorOf, field, namesOf, over, slow, staged, submitted, time } from "../server/httpScenes.ts"
import { eventually } from "../support/eventually.ts"
import { record, type Stage } from "../zoo/support/Stage.ts"

const unknown = { error: "Job not found", code: 404, details: "job not found: nobody" }

const nothingRuns = ({ registry }: Stage) =>
  eventually(
    "nothing runs",
    Effect.sync(() => registry.live().length === 0)
  )

describe("the interface's section 2.6", () => {
  it.scopedLive("2.6: killJob answers 200 with job_id, success true and Job killed successfully", () =>
    staged((desk) =>
      Effect.gen(function* () {
        for (const path of ["/json/killJob", "/mcp/killJob"]) {
          const id = yield* submitted(desk, slow)
          const { json, status } = yield* desk.post(path, { job_id: id })
          assert.strictEqual(status, 200)
          assert.deepStrictEqual(namesOf(json).slice(0, 3), ["job_id", "success", "message"])
          assert.deepInclude(json, { job_id: id, success: true, message: "Job killed successfully" })
        }
      })
    )
  )

  it.scopedLive(
    "2.6: a killed job is FAILED with the error Job killed by user, has an end, and leaves nothing running",
    () =>
      staged((desk, stage) =>
        Effect.gen(function* () {
          const id = yield* submitted(desk, slow)
          yield* stage.until(id, ({ attempts }) => attempts.some(({ started_at }) => started_at !== undefined))
          yield* desk.post("/json/killJob", { job_id: id })
          const { json } = yield* over(desk, id)
          assert.deepStrictEqual([field(json, "status"), field(json, "error")], ["FAILED", "Job killed by user"])
          assert.match(String(field(json, "metrics", "job_end")), time)
          yield* nothingRuns(stage)
          assert.deepStrictEqual(stage.registry.publications, [])
        })
      )
  )

  it.scopedLive("2.6: a job that is killed twice is killed once", () =>
    staged((desk) =>
      Effect.gen(function* () {
        const id = yield* submitted(desk, slow)
        yield* desk.post("/json/killJob", { job_id: id })
        const { json: first } = yield* over(desk, id)
        const again = yield* desk.post("/json/killJob", { job_id: id })
        assert.deepInclude(again.json, { success: true, message: "Job killed successfully" })
        const { json: second } = yield* over(desk, id)
        assert.deepStrictEqual(field(second, "metrics"), field(first, "metrics"))
      })
    )
  )

  it.scopedLive("2.6: a job that has succeeded is not killed: 409 Failed to kill job, and it stays as it is", () =>
    staged((desk) =>
      Effect.gen(function* () {
        const id = yield* ended(desk, record("done"))
        const answer = yield* desk.post("/json/killJob", { job_id: id })
        assert.deepStrictEqual([answer.status, errorOf(answer).error], [409, "Failed to kill job"])
        assert.strictEqual(field((yield* over(desk, id)).json, "status"), "SUCCEEDED")
      })
    )
  )

  it.scoped("2.6: killJob of an unknown id answers 404 Job not found", () =>
    alone((desk) =>
      Effect.gen(function* () {
        for (const path of ["/json/killJob", "/mcp/killJob"]) {
          const answer = yield* desk.post(path, { job_id: "nobody" })
          assert.strictEqual(answer.status, 404)
          assert.deepStrictEqual(answer.json, unknown)
        }
      })
    )
  )
})

describe("the interface's section 2.7", () => {
  it.scopedLive("2.7: cleanup of an ended job answers success, its id in cleaned_jobs and Cleanup completed", () =>
    staged((desk) =>
      Effect.gen(function* () {
        const id = yield* ended(desk, record("tidy", { test: { entry_point: true } }))
        for (const path of ["/json/cleanup", "/mcp/cleanup"]) {
          const { json, status, text } = yield* desk.post(path, { job_id: id })
          assert.strictEqual(status, 200)
          assert.deepStrictEqual(json, { success: true, cleaned_jobs: [id], message: "Cleanup completed" })
          assert.strictEqual(text, `{"success":true,"cleaned_jobs":["${id}"],"message":"Cleanup completed"}\n`)
        }
      })
    )
  )

  it.scopedLive("2.7: cleanup ends the running Nomad jobs of a build", () =>
    staged((desk, stage) =>
      Effect.gen(function* () {
        const id = yield* submitted(desk, slow)
        yield* stage.until(id, ({ attempts }) => attempts.some(({ started_at }) => started_at !== undefined))
        const { json } = yield* desk.post("/json/cleanup", { job_id: id })
        assert.deepInclude(json, { success: true, cleaned_jobs: [id] })
        yield* nothingRuns(stage)
        const { json: state } = yield* over(desk, id)
        assert.deepStrictEqual([field(state, "status"), field(state, "error")], ["FAILED", "Job killed by user"])
      })
    )
  )

  it.scopedLive("2.7: cleanup of an ended job deletes the temporary image that its own cleaning up left", () =>
    staged((desk, stage) =>
      Effect.gen(function* () {
        const id = yield* ended(desk, record("left", { test: { entry_point: true } }))
        const { json } = yield* desk.ask(`/json/job/${id}/status`)
        const image = String(field(json, "temporary_image"))
        // While its own cleaning up is under way, that is the answer to the request.
        yield* eventually(
          "its own cleaning up is over",
          Effect.map(desk.ask(`/json/job/${id}/status`), ({ json: now }) => {
            const attempts = field(now, "attempts")
            const last = Array.isArray(attempts) ? attempts.at(-1) : undefined
            return field(last, "phase") === "cleanup" && field(last, "finished_at") !== undefined
          })
        )
        stage.registry.pushTemporary(image, String(field(json, "digest")))
        yield* desk.post("/json/cleanup", { job_id: id })
        yield* eventually(
          "the image is gone",
          Effect.sync(() => stage.registry.temporaryImages().length === 0)
        )
      })
    )
  )

  it.scoped("2.7: cleanup with neither job_id nor all answers success with an empty list", () =>
    alone((desk) =>
      Effect.gen(function* () {
        for (const path of ["/json/cleanup", "/mcp/cleanup"]) {
          const { json, status } = yield* desk.post(path, {})
          assert.strictEqual(status, 200)
          assert.deepStrictEqual(json, { success: true, cleaned_jobs: [], message: "Cleanup completed" })
        }
      })
    )
  )

  it.scopedLive("2.7: cleanup of all answers success with a list", () =>
    staged((desk) =>
      Effect.gen(function* () {
        const { json, status } = yield* desk.post("/json/cleanup", { all: true })
        assert.strictEqual(status, 200)
        assert.deepStrictEqual(namesOf(json), ["success", "cleaned_jobs", "message"])
        assert.deepInclude(json, { success: true, cleaned_jobs: [] })
        assert.match(String(field(json, "message")), /^Cleanup completed/)
      })
    )
  )

  it.scoped("2.7: cleanup of an unknown id answers 200 with success false and Cleanup failed: job not found", () =>
    alone((desk) =>
      Effect.gen(function* () {
        const { json, status } = yield* desk.post("/json/cleanup", { job_id: "nobody" })
        assert.strictEqual(status, 200)
        assert.deepStrictEqual(json, {
          success: false,
          cleaned_jobs: [],
          message: "Cleanup failed: job not found: nobody"
        })
      })
    )
  )

  for (const path of ["/json/cleanupZombies", "/mcp/cleanupZombies"] as const) {
    it.scopedLive(`2.7: ${path} answers as cleanup does`, () =>
      staged((desk) =>
        Effect.gen(function* () {
          const { json, status } = yield* desk.post(path)
          assert.strictEqual(status, 200)
          assert.deepInclude(json, { success: true, cleaned_jobs: [] })
        })
      )
    )
  }
})
