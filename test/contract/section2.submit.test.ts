import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { Consul } from "../../src/consul/Consul.ts"
import { Invalid, Unavailable } from "../../src/http/ApiError.ts"
import { minimal } from "../domain/records.ts"
import { keys } from "../server/deskOf.ts"
import { httpDesk } from "../server/httpDesk.ts"
import { alone, errorOf, field, namesOf, over, slow, staged, submitted, uuid } from "../server/httpScenes.ts"
import { embeddedConsul } from "../support/embeddedConsul.ts"
import { record, setStage } from "../zoo/support/Stage.ts"

describe("the interface's section 2.2", () => {
  it.scoped("2.2: submitJob answers 200 with job_id and status PENDING, and the record is in KV by then", () =>
    alone((desk, consul) =>
      Effect.gen(function* () {
        for (const path of ["/json/submitJob", "/mcp/submitJob", "/jobs"]) {
          const answer = yield* desk.post(path, { job_config: minimal })
          assert.strictEqual(answer.status, 200)
          assert.deepStrictEqual(namesOf(answer.json), ["job_id", "status"])
          assert.strictEqual(field(answer.json, "status"), "PENDING")
          const id = String(field(answer.json, "job_id"))
          assert.match(id, uuid)
          assert.isTrue(Option.isSome(yield* consul.get(`${keys.jobs}${id}`)))
        }
      })
    )
  )

  it.scoped("2.2: job_config, jobConfig and the bare object are the same submission, whatever the Content-Type", () =>
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

  it.scoped("2.2: a body that is not JSON answers 400 Invalid request body with the parser's words in details", () =>
    alone((desk) =>
      Effect.gen(function* () {
        for (const path of ["/json/submitJob", "/mcp/submitJob", "/jobs"]) {
          for (const body of ["{", "owner: me", "", "\xff"]) {
            const answer = yield* desk.post(path, body)
            assert.strictEqual(answer.status, 400)
            const { code, details, error } = errorOf(answer)
            assert.deepStrictEqual([error, code], ["Invalid request body", 400], body)
            assert.isNotEmpty(details)
          }
        }
      })
    )
  )

  it.scoped("2.2: a field of the wrong type answers 400 and names the field", () =>
    alone((desk) =>
      Effect.gen(function* () {
        const wrong: ReadonlyArray<readonly [string, unknown]> = [
          ["owner", 7],
          ["image_tags", { a: 1 }],
          ["clear_cache", "yes"],
          ["test", "true"],
          ["resource_limits", []]
        ]
        for (const [name, value] of wrong) {
          const answer = yield* desk.post("/json/submitJob", { job_config: { ...minimal, [name]: value } })
          assert.strictEqual(answer.status, 400)
          assert.match(String(field(answer.json, "details")), new RegExp(`^${name} `))
          assert.strictEqual(field(answer.json, "errors", 0, "path"), name)
        }
      })
    )
  )

  it.scoped("2.2: a configuration without a required field answers 400 Job configuration validation failed", () =>
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

  it.scoped("2.2: an empty git_ref answers 400 with details: git_ref is required", () =>
    alone((desk) =>
      Effect.gen(function* () {
        const answer = yield* desk.post("/json/submitJob", { job_config: { ...minimal, git_ref: "" } })
        assert.strictEqual(answer.status, 400)
        assert.deepStrictEqual(errorOf(answer), {
          error: "Job configuration validation failed",
          code: 400,
          details: "git_ref is required"
        })
      })
    )
  )

  it.scopedLive("2.2: another build of the same registry, image and ref answers 409 with the holder's job id", () =>
    staged((desk, stage) =>
      Effect.gen(function* () {
        const holder = yield* submitted(desk, slow)
        yield* stage.until(holder, ({ slots }) => slots.length > 0)
        const answer = yield* desk.post("/json/submitJob", { job_config: { ...slow, on_conflict: "reject" } })
        assert.strictEqual(answer.status, 409)
        assert.strictEqual(field(answer.json, "error"), "Failed to create job")
        assert.include(String(field(answer.json, "details")), holder)
        assert.deepStrictEqual(field(answer.json, "holder"), { name: holder, job_id: holder })
        // Another ref of the same image may be built.
        const other = { ...slow, git_ref: "main", image_tags: [], on_conflict: "reject" }
        assert.strictEqual((yield* over(desk, yield* submitted(desk, other))).status, 200)
        yield* desk.post("/json/killJob", { job_id: holder })
      })
    )
  )

  it.scopedLive("2.2: what Nomad refuses is told by the job's status, since the record came first", () =>
    Effect.gen(function* () {
      const stage = yield* setStage
      const refused = new Invalid({ system: "nomad", operation: "job.register", detail: "Datacenters are wrong" })
      yield* stage.serve({ nomad: (nomad) => ({ ...nomad, register: () => refused }) })
      const desk = yield* httpDesk({ consul: stage.consul, nomad: stage.nomad })
      const id = yield* submitted(desk, record("refused"))
      const { json } = yield* over(desk, id)
      assert.deepStrictEqual([field(json, "status"), field(json, "failed_phase")], ["FAILED", "build"])
      assert.include(String(field(json, "error")), "Datacenters are wrong")
    })
  )

  it.scoped("2.2: a write that Consul does not take answers 503 Failed to create job, and there is no job", () =>
    Effect.gen(function* () {
      const consul = yield* Consul
      const away = new Unavailable({ system: "consul", operation: "txn", detail: "connection refused" })
      const desk = yield* httpDesk({
        consul: { ...consul, transaction: () => away, put: () => away, putCas: () => away }
      })
      const answer = yield* desk.post("/json/submitJob", { job_config: minimal })
      assert.strictEqual(answer.status, 503)
      assert.strictEqual(answer.headers.get("retry-after"), "2")
      assert.deepStrictEqual([errorOf(answer).error, errorOf(answer).code], ["Failed to create job", 503])
      assert.deepStrictEqual((yield* consul.keys("jobforge-service/")).value, [])
    }).pipe(Effect.provide(embeddedConsul))
  )

  it.scoped("2.2: another method answers 405 in text: Method not allowed", () =>
    alone((desk) =>
      Effect.gen(function* () {
        for (const path of ["/json/submitJob", "/mcp/submitJob"]) {
          for (const method of ["GET", "PUT", "DELETE"]) {
            const { headers, status, text } = yield* desk.ask(path, { method })
            assert.deepStrictEqual([status, text.trim()], [405, "Method not allowed"])
            assert.match(headers.get("content-type") ?? "", /^text\/plain/)
            assert.strictEqual(headers.get("allow"), "POST")
          }
        }
      })
    )
  )
})
