import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { HttpDesk } from "../server/httpDesk.ts"
import { alone, ended, field, namesOf, slow, staged, submitted } from "../server/httpScenes.ts"
import { openSocket } from "../server/logClients.ts"
import { record } from "../zoo/support/Stage.ts"

/** What the endpoint of this name answers about a job. */
type Asked = (desk: HttpDesk, id: string) => ReturnType<HttpDesk["ask"]>

const rpc = { jsonrpc: "2.0", id: 1, method: "ping" }

/** Under either prefix; the answer's first fields, by which an endpoint is known. */
const endpoints = (prefix: "/json" | "/mcp"): ReadonlyArray<readonly [string, Asked, ReadonlyArray<string>]> => [
  ["E1", (desk) => desk.post(`${prefix}/submitJob`, { job_config: record("e1") }), ["job_id", "status"]],
  ["E2", (desk, id) => desk.post(`${prefix}/getStatus`, { job_id: id }), ["job_id", "status", "config"]],
  ["E3", (desk, id) => desk.ask(`${prefix}/job/${id}/status`), ["job_id", "status", "config"]],
  ["E4", (desk, id) => desk.post(`${prefix}/getLogs`, { job_id: id, phase: "build" }), ["job_id", "logs"]],
  ["E5", (desk, id) => desk.ask(`${prefix}/job/${id}/logs`), ["job_id", "logs"]],
  ["E8", (desk, id) => desk.post(`${prefix}/cleanup`, { job_id: id }), ["success", "cleaned_jobs", "message"]],
  ["E9", (desk) => desk.post(`${prefix}/cleanupZombies`), ["success", "cleaned_jobs", "message"]],
  ["E10", (desk) => desk.post(`${prefix}/getHistory`, { limit: 1, offset: 0 }), ["jobs", "total"]],
  ["E19", (desk, id) => desk.post(`${prefix}/purgeFailedJob`, { job_id: id }), ["job_id", "success", "message"]]
]

describe("the interface's section 2.1", () => {
  for (const prefix of ["/json", "/mcp"] as const) {
    it.scopedLive(`2.1: E1 to E5, E8 to E10 and E19 are served under ${prefix}`, () =>
      staged((desk) =>
        Effect.gen(function* () {
          const id = yield* ended(desk, record("done"))
          for (const [name, asked, first] of endpoints(prefix)) {
            const answer = yield* asked(desk, id)
            assert.strictEqual(answer.status, 200, `${name}: ${answer.text}`)
            assert.deepStrictEqual(namesOf(answer.json).slice(0, first.length), first, name)
          }
        })
      )
    )

    it.scopedLive(`2.1: E6 streamLogs is a WebSocket under ${prefix}`, () =>
      staged((desk) =>
        Effect.gen(function* () {
          const id = yield* ended(desk, record("done"))
          const url = desk.url.replace("http:", "ws:")
          const reader = yield* openSocket(`${url}${prefix}/streamLogs?job_id=${id}`)
          yield* reader.closed
          assert.isNotEmpty(reader.frames)
        })
      )
    )

    it.scopedLive(`2.1: E7 killJob is served under ${prefix}`, () =>
      staged((desk) =>
        Effect.gen(function* () {
          const id = yield* submitted(desk, slow)
          const { json } = yield* desk.post(`${prefix}/killJob`, { job_id: id })
          assert.deepStrictEqual([field(json, "job_id"), field(json, "success")], [id, true])
        })
      )
    )

    it.scoped(`2.1: ${prefix === "/json" ? "E11" : "E12"} is JSON-RPC 2.0 at POST ${prefix}, and OPTIONS answers`, () =>
      alone((desk) =>
        Effect.gen(function* () {
          const { json, status } = yield* desk.post(prefix, rpc, { "content-type": "application/json" })
          assert.strictEqual(status, 200)
          assert.deepStrictEqual(json, { jsonrpc: "2.0", id: 1, result: {} })
          assert.strictEqual((yield* desk.ask(prefix, { method: "OPTIONS" })).status, 200)
        })
      )
    )

    it.scoped(`2.1: E16 and E17 are served under ${prefix}`, () =>
      alone((desk) =>
        Effect.gen(function* () {
          const id = yield* submitted(desk, slow)
          const endpoint = yield* desk.ask(`${prefix}/job/${id}/test-endpoint`)
          const result = yield* desk.post(`${prefix}/job/${id}/test-result`, { success: true })
          assert.deepStrictEqual([endpoint.status, result.status], [400, 400])
          assert.match(endpoint.text + result.text, /not configured for external python tests.*\n.*not configured/)
        })
      )
    )
  }

  it.scopedLive("2.1: both prefixes answer the same", () =>
    staged((desk) =>
      Effect.gen(function* () {
        const id = yield* ended(desk, record("done"))
        const answers = (name: string) =>
          Effect.forEach(["/json", "/mcp"], (prefix) => desk.ask(`${prefix}/job/${id}/${name}`))
        const [json, mcp] = yield* answers("logs")
        assert.strictEqual(json?.text, mcp?.text)
        // Meanwhile the job may have moved to the archive, which is told beside these.
        const [one, other] = yield* answers("status")
        for (const name of ["job_id", "status", "config", "metrics", "allocations", "images"]) {
          assert.deepStrictEqual(field(one?.json, name), field(other?.json, name), name)
        }
      })
    )
  )

  it.scoped("2.1: /stream, /sse and /mcp/stream are gone", () =>
    alone((desk) =>
      Effect.gen(function* () {
        for (const path of ["/stream", "/sse", "/mcp/stream"]) {
          const { headers, status } = yield* desk.ask(path)
          assert.strictEqual(status, 404, path)
          assert.match(headers.get("content-type") ?? "", /^text\/plain/)
        }
      })
    )
  )
})

describe("the interface's section 2.11", () => {
  it.scopedLive("2.11: POST /jobs, GET /jobs/{id}/status and /logs answer as the endpoints that they stand for", () =>
    staged((desk) =>
      Effect.gen(function* () {
        const created = yield* desk.post("/jobs", { job_config: record("alias") })
        assert.deepStrictEqual(namesOf(created.json), ["job_id", "status"])
        const id = String(field(created.json, "job_id"))
        while (field((yield* desk.ask(`/jobs/${id}/status`)).json, "status") !== "SUCCEEDED") yield* Effect.sleep(50)
        for (const name of ["status", "logs"]) {
          const [alias, own] = [yield* desk.ask(`/jobs/${id}/${name}`), yield* desk.ask(`/json/job/${id}/${name}`)]
          assert.deepStrictEqual([alias.status, namesOf(alias.json)], [200, namesOf(own.json)])
        }
      })
    )
  )

  it.scopedLive("2.11: /jobs/{id}/logs/stream is a WebSocket of the job's lines", () =>
    staged((desk) =>
      Effect.gen(function* () {
        const id = yield* ended(desk, record("alias"))
        const reader = yield* openSocket(`${desk.url.replace("http:", "ws:")}/jobs/${id}/logs/stream`)
        assert.strictEqual((yield* reader.closed).reason, "succeeded")
        assert.isNotEmpty(reader.frames)
      })
    )
  )

  it.scopedLive("2.11: POST /jobs/{id}/kill and /jobs/{id}/cleanup answer success", () =>
    staged((desk) =>
      Effect.gen(function* () {
        const id = yield* submitted(desk, slow)
        assert.strictEqual(field((yield* desk.post(`/jobs/${id}/kill`)).json, "success"), true)
        const { json, status } = yield* desk.post(`/jobs/${id}/cleanup`)
        assert.deepStrictEqual([status, field(json, "success")], [200, true])
      })
    )
  )

  it.scoped("2.11: an unknown job answers 404, and what is no configuration 400", () =>
    alone((desk) =>
      Effect.gen(function* () {
        for (const answer of [
          yield* desk.ask("/jobs/nobody/status"),
          yield* desk.ask("/jobs/nobody/logs"),
          yield* desk.post("/jobs/nobody/kill"),
          yield* desk.post("/jobs/nobody/cleanup")
        ]) {
          assert.deepStrictEqual([answer.status, field(answer.json, "error")], [404, "Job not found"])
        }
        assert.strictEqual((yield* desk.post("/jobs", {})).status, 400)
      })
    )
  )
})
