import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, TestClock, TestServices } from "effect"
import { failingTest } from "../../scripts/chaos/modelDriver.ts"
import { minimal } from "../domain/records.ts"
import { eventually } from "../support/eventually.ts"
import { record } from "../zoo/support/Stage.ts"
import { keys } from "./deskOf.ts"
import { alone, errorOf, field, over, slow, staged, submitted } from "./httpScenes.ts"

describe("submitJob", () => {
  it.scoped("refuses a member that is given twice, as the record in KV would be", () =>
    alone((desk) =>
      Effect.gen(function* () {
        const twice = `{"owner": "a", ${JSON.stringify(minimal).slice(1)}`
        const answer = yield* desk.post("/json/submitJob", twice)
        assert.strictEqual(answer.status, 400)
        assert.match(String(field(answer.json, "details")), /line 1.*duplicat/)
      })
    )
  )

  it.scoped("answers 413 to more than 1 MiB, announced or not", () =>
    alone((desk, consul) =>
      Effect.gen(function* () {
        const large = JSON.stringify({ job_config: { ...minimal, deploy_dir: "x".repeat(1024 * 1024) } })
        const announced = yield* desk.post("/json/submitJob", large)
        assert.strictEqual(announced.status, 413)
        assert.strictEqual(field(announced.json, "code"), 413)
        const streamed = yield* desk.ask("/json/submitJob", {
          method: "POST",
          body: new Blob([large]).stream(),
          duplex: "half"
        })
        assert.strictEqual(streamed.status, 413)
        assert.deepStrictEqual((yield* consul.keys(keys.jobs)).value, [])
      })
    )
  )

  it.scoped("with an Idempotency-Key makes one job, and 422 for another configuration", () =>
    alone((desk, consul) =>
      Effect.gen(function* () {
        const key = { "idempotency-key": "deploy-42" }
        const [first, second] = yield* Effect.all(
          [desk.post("/json/submitJob", minimal, key), desk.post("/jobs", minimal, key)],
          { concurrency: 2 }
        )
        assert.strictEqual(first.status, 200)
        assert.strictEqual(field(first.json, "job_id"), field(second.json, "job_id"))
        assert.strictEqual((yield* consul.keys(keys.jobs)).value.length, 1)
        const other = yield* desk.post("/json/submitJob", { ...minimal, git_ref: "v2" }, key)
        assert.strictEqual(other.status, 422)
        assert.strictEqual(field(other.json, "job_id"), field(first.json, "job_id"))
        for (const bad of ["", "x".repeat(256)]) {
          const refused = yield* desk.post("/json/submitJob", minimal, { "idempotency-key": bad })
          assert.strictEqual(refused.status, 400)
          assert.match(String(field(refused.json, "details")), /Idempotency-Key/)
        }
      })
    )
  )
})

describe("getStatus", () => {
  it.scopedLive("of a failed job has the failed phase, the reason, the exit code and the last lines", () =>
    staged((desk) =>
      Effect.gen(function* () {
        const id = yield* submitted(desk, record("red", { test: { commands: ["true", failingTest] } }))
        const { json } = yield* over(desk, id)
        assert.strictEqual(field(json, "status"), "FAILED")
        assert.strictEqual(field(json, "failed_phase"), "test")
        assert.strictEqual(field(json, "reason"), "TestFailed")
        assert.strictEqual(field(json, "exit_code"), 3)
        assert.isNotEmpty(field(json, "log_tail"))
        assert.strictEqual(field(json, "allocations", "test", 1, "allocations", 0, "client_status"), "failed")
        assert.match(String(field(json, "allocations", "test", 1, "allocations", 0, "failed_reason")), /^TestFailed: /)
        assert.strictEqual(field(json, "allocations", "test", 0, "allocations", 0, "client_status"), "complete")
        const diagnosis = yield* desk.ask(`/json/job/${id}/diagnosis`)
        assert.strictEqual(field(diagnosis.json, "phase"), "test")
        assert.strictEqual(field(diagnosis.json, "exit_code"), 3)
        assert.isAtMost(Buffer.byteLength(diagnosis.text), 8 * 1024 + 1)
      })
    )
  )

  it.scopedLive("of a record that can't be built says what is wrong with it", () =>
    staged((desk, stage) =>
      Effect.gen(function* () {
        yield* stage.put("bad", { ...record("bad"), git_ref: "-x" })
        yield* stage.until("bad", ({ status }) => status === "FAILED")
        const { json, status } = yield* desk.ask("/json/job/bad/status")
        assert.strictEqual(status, 200)
        assert.strictEqual(field(json, "status"), "FAILED")
        assert.strictEqual(field(json, "reason"), "InvalidSpec")
        assert.strictEqual(field(json, "errors", 0, "path"), "git_ref")
        assert.deepStrictEqual(field(json, "images"), [])
        assert.deepStrictEqual(field(json, "attempts"), [])
      })
    )
  )

  it.scoped("finds a record whose name has a slash", () =>
    alone((desk, consul) =>
      Effect.gen(function* () {
        yield* consul.put(`${keys.jobs}team/${"x".repeat(200)}`, JSON.stringify(minimal))
        const { json, status } = yield* desk.ask(`/json/job/team%2F${"x".repeat(200)}/status`)
        assert.strictEqual(status, 200)
        assert.strictEqual(field(json, "name"), `team/${"x".repeat(200)}`)
      })
    )
  )

  it.scoped("answers 404 for an unknown id on every path, by GET and by POST", () =>
    alone((desk) =>
      Effect.gen(function* () {
        const gets = ["status", "logs", "events", "diagnosis", "logs/stream", "test-endpoint"]
        const posts = ["getStatus", "getLogs", "killJob", "retryJob", "purgeFailedJob"]
        const answers = yield* Effect.all([
          ...gets.map((name) => desk.ask(`/json/job/nobody/${name}`)),
          ...["kill", "cleanup", "retry", "purge", "test-result"].map((name) => desk.post(`/mcp/job/nobody/${name}`)),
          ...posts.map((name) => desk.post(`/json/${name}`, { job_id: "nobody" })),
          desk.ask("/jobs/nobody"),
          desk.ask("/jobs/nobody", { method: "DELETE" })
        ])
        for (const answer of answers) {
          assert.deepStrictEqual(
            { status: answer.status, ...errorOf(answer) },
            { status: 404, error: "Job not found", code: 404, details: "job not found: nobody" }
          )
        }
      })
    )
  )
})

describe("waiting", () => {
  it.scopedLive("answers a status once it is newer than the index, and as it is when the time is over", () =>
    staged((desk, stage) =>
      Effect.gen(function* () {
        const id = yield* submitted(desk, slow)
        yield* stage.until(id, ({ attempts }) => attempts.some(({ started_at }) => started_at !== undefined))
        yield* Effect.sleep("300 millis")
        const now = yield* desk.ask(`/json/job/${id}/status`)
        const index = String(field(now.json, "index"))
        const [taken, same] = yield* Effect.timed(desk.ask(`/json/job/${id}/status?wait=0.3&index=${index}`))
        assert.strictEqual(String(field(same.json, "index")), index)
        assert.isAtLeast(Duration.toMillis(taken), 290)
        const waiting = yield* Effect.fork(desk.ask(`/json/job/${id}/status?wait=20s&index=${index}`))
        yield* Effect.sleep("100 millis")
        yield* desk.post("/json/killJob", { job_id: id })
        const news = yield* waiting
        assert.isAbove(Number(field(news.json, "index")), Number(index))
      })
    )
  )

  it.scoped("refuses what is no duration and no index", () =>
    alone((desk) =>
      Effect.gen(function* () {
        for (const query of ["wait=soon", "wait=-5s", "index=x", "index=-1", "wait=5s&index=1.5"]) {
          const answer = yield* desk.ask(`/json/job/any/status?${query}`)
          assert.strictEqual(answer.status, 400, query)
        }
      })
    )
  )
})

describe("killJob, retryJob, purgeFailedJob and cleanup", () => {
  it.scopedLive("end a job, build it once more, and refuse what doesn't fit its state (E7, E8, E19)", () =>
    staged((desk) =>
      Effect.gen(function* () {
        const id = yield* submitted(desk, slow)
        const early = yield* desk.post("/json/retryJob", { job_id: id })
        assert.strictEqual(early.status, 409)
        const killed = yield* desk.post("/json/killJob", { job_id: id })
        assert.strictEqual(killed.status, 200)
        assert.strictEqual(field(killed.json, "success"), true)
        assert.strictEqual(field(killed.json, "message"), "Job killed successfully")
        const ended = yield* over(desk, id)
        assert.strictEqual(field(ended.json, "status"), "FAILED")
        assert.strictEqual(field(ended.json, "error"), "Job killed by user")
        const again = yield* desk.ask(`/jobs/${id}`, { method: "DELETE" })
        assert.strictEqual(again.status, 200)
        const purged = yield* desk.post("/json/purgeFailedJob", { job_id: id })
        assert.strictEqual(field(purged.json, "message"), `Job ${id} purged successfully from Nomad`)
        const cleaned = yield* desk.post("/json/cleanup", { job_id: id })
        assert.deepStrictEqual(cleaned.json, { success: true, cleaned_jobs: [id], message: "Cleanup completed" })
      })
    )
  )

  it.scoped("keep a cleanup of all for the next leader when there is none (E8, E9)", () =>
    alone((desk, consul) =>
      Effect.gen(function* () {
        const all = yield* Effect.fork(
          Effect.all([desk.post("/json/cleanup", { all: true }), desk.post("/json/cleanupZombies")], { concurrency: 2 })
        )
        const noted = Effect.map(consul.keys(keys.requests), ({ value }) => value.length === 2)
        yield* TestServices.provideLive(eventually("both requests are noted", noted))
        yield* TestClock.adjust("20 seconds")
        for (const answer of yield* Fiber.join(all)) {
          assert.strictEqual(field(answer.json, "success"), true)
          assert.deepStrictEqual(field(answer.json, "cleaned_jobs"), [])
          assert.match(String(field(answer.json, "message")), /no leader has answered in time; the request is kept/)
        }
        // Nothing is lost: whoever leads next finds them.
        assert.lengthOf((yield* consul.keys(keys.requests)).value, 2)
      })
    )
  )
})

describe("the list of jobs", () => {
  it.scopedLive("is narrowed by owner and by status before it is paged", () =>
    staged((desk, stage) =>
      Effect.gen(function* () {
        const first = yield* submitted(desk, record("one"))
        yield* over(desk, first)
        const second = yield* submitted(desk, { ...slow, owner: "other" })
        yield* stage.until(second, ({ status }) => status === "BUILDING")
        const owned = yield* desk.ask("/jobs?owner=zoo&limit=1")
        assert.deepStrictEqual([field(owned.json, "total"), field(owned.json, "jobs", 0, "id")], [1, first])
        const building = yield* desk.ask("/jobs?status=building,testing")
        assert.deepStrictEqual([field(building.json, "total"), field(building.json, "jobs", 0, "id")], [1, second])
        const wrong = yield* desk.ask("/jobs?status=RUNNING")
        assert.strictEqual(wrong.status, 400)
        yield* desk.post("/json/killJob", { job_id: second })
      })
    )
  )
})

describe("paths and methods", () => {
  it.scoped("that don't exist answer in text: 404, and 405 with Allow", () =>
    alone((desk) =>
      Effect.gen(function* () {
        const unknown = yield* desk.ask("/nothing")
        assert.strictEqual(unknown.status, 404)
        assert.match(unknown.headers.get("content-type") ?? "", /^text\/plain/)
        const put = yield* desk.ask("/jobs/some", { method: "PUT" })
        assert.deepStrictEqual([put.status, put.headers.get("allow")], [405, "GET, DELETE, HEAD"])
      })
    )
  )

  it.scoped("end with a newline in JSON, and escape what HTML could stumble over", () =>
    alone((desk) =>
      Effect.gen(function* () {
        const { headers, text } = yield* desk.post("/json/getStatus", { job_id: "<b>&" })
        assert.isTrue(text.endsWith("}\n"))
        assert.include(text, "\\u003cb\\u003e\\u0026")
        assert.match(headers.get("content-type") ?? "", /^application\/json/)
      })
    )
  )
})
