import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Layer, Logger, Predicate, type Scope, TestClock, TestServices } from "effect"
import { endlessRef, failingTest } from "../../scripts/chaos/modelDriver.ts"
import { Consul } from "../../src/consul/Consul.ts"
import { Unavailable } from "../../src/http/ApiError.ts"
import { minimal } from "../domain/records.ts"
import { embeddedConsul } from "../support/embeddedConsul.ts"
import { eventually } from "../support/eventually.ts"
import { record, setStage, type Stage } from "../zoo/support/Stage.ts"
import { keys } from "./deskOf.ts"
import { type Answer, httpDesk, type HttpDesk } from "./httpDesk.ts"

const quiet = Logger.remove(Logger.defaultLogger)

/** A replica without a leader: what is written stays as it is. */
const alone = <A, E>(
  play: (desk: HttpDesk, consul: Consul["Type"]) => Effect.Effect<A, E, Scope.Scope>,
  options: { readonly corsOrigins?: ReadonlyArray<string>; readonly host?: string } = {}
) =>
  Effect.gen(function* () {
    const consul = yield* Consul
    yield* play(yield* httpDesk({ consul, ...options }), consul)
  }).pipe(Effect.provide(Layer.merge(embeddedConsul, quiet)))

/** The whole service, and this replica beside it. */
const staged = <A, E>(play: (desk: HttpDesk, stage: Stage) => Effect.Effect<A, E, Scope.Scope>) =>
  Effect.gen(function* () {
    const stage = yield* setStage
    yield* stage.serve()
    yield* play(yield* httpDesk({ consul: stage.consul, nomad: stage.nomad }), stage)
  }).pipe(Effect.provide(quiet))

const field = (value: unknown, ...path: ReadonlyArray<string | number>): unknown =>
  path.reduce((inner: unknown, key) => {
    if (Array.isArray(inner) && typeof key === "number") return inner[key]
    return Predicate.isRecord(inner) ? inner[key] : undefined
  }, value)

const submitted = (desk: HttpDesk, config: object) =>
  Effect.map(desk.post("/json/submitJob", { job_config: config }), ({ json, status }) => {
    assert.strictEqual(status, 200)
    return String(field(json, "job_id"))
  })

/** The job's status once it is over. */
const over = (desk: HttpDesk, id: string) =>
  Effect.gen(function* () {
    let last = yield* desk.ask(`/json/job/${id}/status`)
    while (field(last.json, "status") !== "SUCCEEDED" && field(last.json, "status") !== "FAILED") {
      last = yield* desk.ask(`/json/job/${id}/status?wait=20s&index=${String(field(last.json, "index"))}`)
    }
    return last
  })

const errorOf = ({ json }: Answer) => ({
  error: field(json, "error"),
  code: field(json, "code"),
  details: field(json, "details")
})

const slow = record("slow", { git_ref: endlessRef })

describe("submitJob", () => {
  it.scoped("answers PENDING and the id of a record that is in KV by then (E1)", () =>
    alone((desk, consul) =>
      Effect.gen(function* () {
        for (const path of ["/json/submitJob", "/mcp/submitJob", "/jobs"]) {
          const answer = yield* desk.post(path, { job_config: minimal })
          assert.strictEqual(answer.status, 200)
          assert.deepStrictEqual(Object.keys(Object(answer.json)), ["job_id", "status"])
          assert.strictEqual(field(answer.json, "status"), "PENDING")
          const id = String(field(answer.json, "job_id"))
          assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
          assert.strictEqual((yield* consul.get(`${keys.jobs}${id}`))._tag, "Some")
        }
      })
    )
  )

  it.scoped("takes the bare configuration and jobConfig too, whatever the Content-Type, and ignores what follows", () =>
    alone((desk) =>
      Effect.gen(function* () {
        const text = JSON.stringify(minimal)
        const bodies = [text, `{"jobConfig": ${text}}`, `{"job_config": ${text}} {"more": 1}`, `${text}\n`]
        for (const body of bodies) {
          const answer = yield* desk.post("/json/submitJob", body, {
            "content-type": "application/x-www-form-urlencoded"
          })
          assert.strictEqual(answer.status, 200, answer.text)
        }
      })
    )
  )

  it.scoped("answers 400 to what is not JSON", () =>
    alone((desk) =>
      Effect.gen(function* () {
        for (const body of ["{", "owner: me", "", "\xff"]) {
          const answer = yield* desk.post("/json/submitJob", body)
          assert.strictEqual(answer.status, 400)
          if (body !== "") assert.strictEqual(field(answer.json, "error"), "Invalid request body")
        }
      })
    )
  )

  it.scoped("answers 400 to a configuration without a required field, with each fault and its path", () =>
    alone((desk, consul) =>
      Effect.gen(function* () {
        for (const name of ["owner", "repo_url", "image_name", "registry_url"]) {
          const config = Object.fromEntries(Object.entries(minimal).filter(([key]) => key !== name))
          const answer = yield* desk.post("/json/submitJob", { job_config: config })
          assert.strictEqual(answer.status, 400)
          assert.deepStrictEqual(answer.json, {
            error: "Job configuration validation failed",
            code: 400,
            details: `${name} is required`,
            errors: [{ path: name, message: `${name} is required` }]
          })
        }
        assert.deepStrictEqual((yield* consul.keys(keys.jobs)).value, [])
      })
    )
  )

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

  it.scopedLive("answers 409 with the holder when the record says reject and another job has the image", () =>
    staged((desk, stage) =>
      Effect.gen(function* () {
        const holder = yield* submitted(desk, slow)
        yield* stage.until(holder, ({ slots }) => slots.length > 0)
        const answer = yield* desk.post("/json/submitJob", { job_config: { ...slow, on_conflict: "reject" } })
        assert.strictEqual(answer.status, 409)
        assert.strictEqual(field(answer.json, "error"), "Failed to create job")
        assert.deepStrictEqual(field(answer.json, "holder"), { name: holder, job_id: holder })
        yield* desk.post("/json/killJob", { job_id: holder })
      })
    )
  )
})

describe("getStatus", () => {
  it.scopedLive("tells all of a job that was tested and published (E2, E3)", () =>
    staged((desk) =>
      Effect.gen(function* () {
        const id = yield* submitted(
          desk,
          record("app", { test: { entry_point: true, timeout: "15m" }, webhook_secret: "hush" })
        )
        const { headers, json } = yield* over(desk, id)
        assert.strictEqual(field(json, "job_id"), id)
        assert.strictEqual(field(json, "status"), "SUCCEEDED")
        assert.deepStrictEqual(field(json, "config", "image_tags"), [id, "latest"])
        assert.strictEqual(field(json, "config", "git_credentials_path"), "")
        assert.strictEqual(field(json, "config", "test", "timeout"), 900_000_000_000)
        assert.match(String(field(json, "metrics", "job_start")), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
        for (const name of ["build_duration", "test_duration", "publish_duration", "total_duration"]) {
          assert.isTrue(Number.isInteger(field(json, "metrics", name)), name)
        }
        assert.deepStrictEqual(field(json, "metrics", "resource_usage"), { max_cpu: 0, max_memory: 0, disk_used: 0 })
        assert.strictEqual(field(json, "allocations", "build", "allocation_count"), 1)
        const full = String(field(json, "allocations", "build", "allocations", 0, "full_id"))
        assert.strictEqual(field(json, "allocations", "build", "allocations", 0, "id"), full.slice(0, 8))
        assert.strictEqual(field(json, "allocations", "test", 0, "nomad_job_id"), `test-entry-${id}-1`)
        assert.strictEqual(field(json, "allocations", "has_any_warning"), false)
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

  it.scoped("changes nothing, whatever is read and however often", () =>
    alone((desk, consul) =>
      Effect.gen(function* () {
        const id = yield* submitted(desk, minimal)
        const before = yield* consul.list("jobforge-service/")
        for (const name of ["status", "logs", "diagnosis", "status?wait=1s"]) {
          assert.strictEqual((yield* desk.ask(`/json/job/${id}/${name}`)).status, 200, name)
        }
        yield* desk.post("/json/getHistory", {})
        const after = yield* consul.list("jobforge-service/")
        assert.deepStrictEqual(after, before)
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

  it.scoped("answers 400 to a body without job_id", () =>
    alone((desk) =>
      Effect.gen(function* () {
        for (const body of [{}, { job_id: "" }, { job_id: 5 }, "[]", ""]) {
          const answer = yield* desk.post("/json/getStatus", body)
          assert.strictEqual(answer.status, 400)
          assert.strictEqual(field(answer.json, "error"), "Invalid request body")
        }
        const missing = yield* desk.post("/json/getStatus", {})
        assert.strictEqual(field(missing.json, "details"), "job_id is required")
      })
    )
  )

  it.scoped("answers 503 with Retry-After while Consul is away, on reads and on writes", () =>
    Effect.gen(function* () {
      const away = new Unavailable({ system: "consul", operation: "kv.get", detail: "connection refused" })
      const consul = {
        ...(yield* Consul),
        get: () => away,
        transaction: () => away,
        list: () => away,
        keys: () => away
      }
      const desk = yield* httpDesk({ consul })
      const answers = yield* Effect.all([
        desk.ask("/json/job/some/status"),
        desk.post("/json/getStatus", { job_id: "some" }),
        desk.post("/json/submitJob", minimal),
        desk.post("/json/getHistory", {})
      ])
      for (const answer of answers) {
        assert.strictEqual(answer.status, 503, answer.text)
        assert.strictEqual(answer.headers.get("retry-after"), "2")
        assert.match(String(field(answer.json, "details")), /consul/)
      }
    }).pipe(Effect.provide(Layer.merge(embeddedConsul, quiet)))
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

  it.scopedLive("leave a job that has succeeded as it is", () =>
    staged((desk) =>
      Effect.gen(function* () {
        const id = yield* submitted(desk, record("done"))
        yield* over(desk, id)
        const kill = yield* desk.post(`/jobs/${id}/kill`)
        assert.strictEqual(kill.status, 409)
        assert.strictEqual(field(kill.json, "error"), "Failed to kill job")
        const status = yield* desk.ask(`/jobs/${id}`)
        assert.strictEqual(field(status.json, "status"), "SUCCEEDED")
      })
    )
  )

  it.scoped("answer a cleanup of an unknown job, of none and of all as documented (E8, E9)", () =>
    alone((desk, consul) =>
      Effect.gen(function* () {
        const unknown = yield* desk.post("/json/cleanup", { job_id: "nobody" })
        assert.strictEqual(unknown.status, 200)
        assert.deepStrictEqual(unknown.json, {
          success: false,
          cleaned_jobs: [],
          message: "Cleanup failed: job not found: nobody"
        })
        const none = yield* desk.post("/mcp/cleanup", {})
        assert.deepStrictEqual(none.json, { success: true, cleaned_jobs: [], message: "Cleanup completed" })
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

describe("getHistory", () => {
  it.scopedLive("lists jobs that run and jobs that are over, newest first, filtered before it is paged (E10)", () =>
    staged((desk, stage) =>
      Effect.gen(function* () {
        const first = yield* submitted(desk, record("one"))
        yield* over(desk, first)
        const second = yield* submitted(desk, { ...slow, owner: "other" })
        yield* stage.until(second, ({ status }) => status === "BUILDING")
        const all = yield* desk.post("/json/getHistory", { limit: 0, offset: -3 })
        assert.deepStrictEqual([field(all.json, "jobs", 0, "id"), field(all.json, "jobs", 1, "id")], [second, first])
        assert.strictEqual(field(all.json, "total"), 2)
        assert.strictEqual(field(all.json, "jobs", 0, "config", "owner"), "other")
        assert.isTrue(Number.isInteger(field(all.json, "jobs", 1, "duration")))
        assert.match(String(field(all.json, "jobs", 1, "created_at")), /Z$/)
        const past = yield* desk.post("/json/getHistory", { limit: 1, offset: 5 })
        assert.deepStrictEqual(past.json, { jobs: [], total: 2 })
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

describe("getLogs", () => {
  it.scopedLive("has the lines of each phase, of one phase where it is asked for, and [] never null (E4, E5)", () =>
    staged((desk) =>
      Effect.gen(function* () {
        const id = yield* submitted(desk, record("logged", { test: { entry_point: true } }))
        yield* over(desk, id)
        const all = yield* desk.ask(`/json/job/${id}/logs`)
        assert.strictEqual(field(all.json, "job_id"), id)
        for (const phase of ["build", "test", "publish"]) assert.isArray(field(all.json, "logs", phase), phase)
        const build = yield* desk.post("/json/getLogs", { job_id: id, phase: "build" })
        assert.deepStrictEqual(field(build.json, "logs", "build"), field(all.json, "logs", "build"))
        assert.deepStrictEqual(field(build.json, "logs", "test"), [])
        const other = yield* desk.ask(`/jobs/${id}/logs?phase=deploy`)
        assert.deepStrictEqual(other.json, all.json)
        const wrong = yield* desk.ask(`/jobs/${id}/logs?tail=-1`)
        assert.strictEqual(wrong.status, 400)
      })
    )
  )
})

describe("external tests", () => {
  it.scoped("are not configured for any job: 400 (E16, E17)", () =>
    alone((desk) =>
      Effect.gen(function* () {
        const id = yield* submitted(desk, minimal)
        for (const answer of [
          yield* desk.ask(`/json/job/${id}/test-endpoint`),
          yield* desk.post(`/mcp/job/${id}/test-result`, { success: true })
        ]) {
          assert.strictEqual(answer.status, 400)
          assert.strictEqual(field(answer.json, "error"), "Job is not configured for external python tests")
        }
      })
    )
  )
})

describe("paths and methods", () => {
  it.scoped("that don't exist answer in text: 404, 405 with Allow, and 400 for what is no path of a job", () =>
    alone((desk) =>
      Effect.gen(function* () {
        const unknown = yield* desk.ask("/nothing")
        assert.strictEqual(unknown.status, 404)
        assert.match(unknown.headers.get("content-type") ?? "", /^text\/plain/)
        const wrong = yield* desk.ask("/json/submitJob")
        assert.deepStrictEqual(
          [wrong.status, wrong.text.trim(), wrong.headers.get("allow")],
          [405, "Method not allowed", "POST"]
        )
        const put = yield* desk.ask("/jobs/some", { method: "PUT" })
        assert.deepStrictEqual([put.status, put.headers.get("allow")], [405, "GET, DELETE, HEAD"])
        for (const path of ["/json/job/", "/json/job/some", "/mcp/job/a/b/c/d"]) {
          const answer = yield* desk.ask(path)
          assert.strictEqual(answer.status, 400, path)
          assert.match(answer.text, /^Invalid path format\. Expected: \/(json|mcp)\/job\//)
        }
        const resource = yield* desk.ask("/json/job/some/weather")
        assert.strictEqual(resource.status, 400)
        assert.strictEqual(
          resource.text.trim(),
          "Invalid resource. Expected: status, logs, test-endpoint, or test-result"
        )
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
