import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Consul } from "../../src/consul/Consul.ts"
import { Unavailable } from "../../src/http/ApiError.ts"
import { keys } from "../server/deskOf.ts"
import { httpDesk } from "../server/httpDesk.ts"
import { alone, errorOf, field, over, staged, submitted } from "../server/httpScenes.ts"
import { embeddedConsul } from "../support/embeddedConsul.ts"
import { record } from "../zoo/support/Stage.ts"

describe("the interface's section 2.3, when it fails", () => {
  const unknown = { error: "Job not found", code: 404, details: "job not found: nobody" }

  it.scoped("2.3: a GET of an unknown job answers 404 with the job's id in details", () =>
    alone((desk) =>
      Effect.gen(function* () {
        for (const path of ["/json/job/nobody/status", "/mcp/job/nobody/status"]) {
          const answer = yield* desk.ask(path)
          assert.strictEqual(answer.status, 404)
          assert.deepStrictEqual(answer.json, unknown)
        }
      })
    )
  )

  it.scoped("2.3: a POST for an unknown job answers 404 with the job's id in details", () =>
    alone((desk) =>
      Effect.gen(function* () {
        for (const path of ["/json/getStatus", "/mcp/getStatus"]) {
          const answer = yield* desk.post(path, { job_id: "nobody" })
          assert.strictEqual(answer.status, 404)
          assert.deepStrictEqual(answer.json, unknown)
        }
      })
    )
  )

  it.scoped("2.3: while Consul is down GET and POST answer 503 Failed to get job, with Retry-After", () =>
    Effect.gen(function* () {
      const away = new Unavailable({ system: "consul", operation: "kv.get", detail: "connection refused" })
      const consul = {
        ...(yield* Consul),
        get: () => away,
        transaction: () => away,
        putCas: () => away,
        list: () => away,
        keys: () => away
      }
      const desk = yield* httpDesk({ consul })
      for (const answer of [
        yield* desk.ask("/json/job/some/status"),
        yield* desk.post("/json/getStatus", { job_id: "some" })
      ]) {
        assert.strictEqual(answer.status, 503)
        assert.strictEqual(answer.headers.get("retry-after"), "2")
        assert.deepStrictEqual([errorOf(answer).error, errorOf(answer).code], ["Failed to get job", 503])
        assert.match(String(errorOf(answer).details), /consul/)
      }
    }).pipe(Effect.provide(embeddedConsul))
  )

  it.scopedLive("2.3: while Nomad is down GET and POST answer 200 with the stored state", () =>
    staged((desk, stage) =>
      Effect.gen(function* () {
        const id = yield* submitted(desk, record("stored"))
        yield* over(desk, id)
        // This one has no Nomad to ask: any call of it would break the answer.
        const cutOff = yield* httpDesk({ consul: stage.consul })
        for (const answer of [
          yield* cutOff.ask(`/json/job/${id}/status`),
          yield* cutOff.post("/json/getStatus", { job_id: id })
        ]) {
          assert.strictEqual(answer.status, 200)
          assert.strictEqual(field(answer.json, "status"), "SUCCEEDED")
          assert.strictEqual(field(answer.json, "allocations", "build", "allocation_count"), 1)
        }
      })
    )
  )

  it.scoped("the root says where the interface is described, and any other path nothing", () =>
    alone((desk) =>
      Effect.gen(function* () {
        const root = yield* desk.ask("/")
        assert.strictEqual(root.status, 200)
        for (const path of ["/docs", "/openapi.json", "/health"]) {
          assert.include(root.text, path)
          assert.notStrictEqual((yield* desk.ask(path)).status, 404)
        }
        assert.strictEqual((yield* desk.ask("/nothing")).status, 404)
      })
    )
  )

  for (const prefix of ["/json/job", "/mcp/job"]) {
    it.scoped(`2.3: a path of another shape below ${prefix} answers 400 in text: Invalid path format`, () =>
      alone((desk, consul) =>
        Effect.gen(function* () {
          yield* consul.put(`${keys.jobs}some`, "{}")
          for (const path of [`${prefix}/`, `${prefix}/some`, `${prefix}/a/b/c/d`]) {
            const { headers, status, text } = yield* desk.ask(path)
            assert.strictEqual(status, 400, path)
            assert.match(headers.get("content-type") ?? "", /^text\/plain/)
            const hint = path.endsWith("/a/b/c/d") ? "A record's name is one segment: write its / as %2F\n" : ""
            assert.strictEqual(text, `Invalid path format. Expected: ${prefix}/{job_id}/{resource}\n${hint}`)
          }
        })
      )
    )

    it.scoped(`2.3: an unknown resource below ${prefix} answers 400 in text and names the known ones`, () =>
      alone((desk) =>
        Effect.gen(function* () {
          const { status, text } = yield* desk.ask(`${prefix}/some/weather`)
          assert.strictEqual(status, 400)
          assert.strictEqual(text, "Invalid resource. Expected: status, logs, test-endpoint, or test-result\n")
        })
      )
    )
  }

  it.scoped("2.3: getStatus with bad JSON answers 400 Invalid request body", () =>
    alone((desk) =>
      Effect.gen(function* () {
        for (const body of ["{", {}, { job_id: "" }, { job_id: 5 }, "[]", ""]) {
          const answer = yield* desk.post("/json/getStatus", body)
          assert.strictEqual(answer.status, 400)
          assert.strictEqual(errorOf(answer).error, "Invalid request body")
        }
        assert.strictEqual(errorOf(yield* desk.post("/json/getStatus", {})).details, "job_id is required")
      })
    )
  )
})
