import { assert, describe, it } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { Consul } from "../../src/consul/Consul.ts"
import { embeddedConsul } from "../support/embeddedConsul.ts"
import { type RpcDesk, rpcDesk, toJson } from "../server/rpcDesk.ts"

const withDesk = <A, E>(test: (desk: RpcDesk) => Effect.Effect<A, E, Scope.Scope>) =>
  Effect.gen(function* () {
    return yield* test(yield* rpcDesk({ consul: yield* Consul }))
  }).pipe(Effect.provide(embeddedConsul))

const initialize = (protocolVersion: string) => ({
  protocolVersion,
  capabilities: {},
  clientInfo: { name: "a test", version: "1" }
})

/** One by one the rows of the protocol's table, as a program sees them that knows JSON-RPC 2.0 and no MCP. */
describe("the interface's section 3.1", () => {
  it.scopedLive("3.1: envelope: a version that is missing or another is -32600", () =>
    withDesk((desk) =>
      Effect.gen(function* () {
        for (const jsonrpc of [undefined, "1.0", 2]) {
          const answer = yield* desk.post(toJson({ jsonrpc, id: 3, method: "ping" }))
          assert.strictEqual(answer.status, 200)
          assert.deepStrictEqual(answer.body?.id, 3)
          assert.strictEqual(answer.body?.error?.code, -32_600)
        }
        const notEven = yield* desk.post('"ping"')
        assert.strictEqual(notEven.body?.error?.code, -32_600)
        assert.isNull(notEven.body?.id)
      })
    )
  )

  it.scopedLive("3.1: HTTP status: 200, whatever the answer says", () =>
    withDesk((desk) =>
      Effect.gen(function* () {
        const answers = yield* Effect.all([
          desk.call("no such method"),
          desk.tool("no such tool"),
          desk.tool("getStatus", {}),
          desk.tool("getStatus", { job_id: "nobody" }),
          desk.post("{"),
          desk.post("[]")
        ])
        assert.deepStrictEqual(
          answers.map(({ status }) => status),
          [200, 200, 200, 200, 200, 200]
        )
      })
    )
  )

  it.scopedLive("3.1: parse error: -32700 with id null", () =>
    withDesk((desk) =>
      Effect.gen(function* () {
        for (const body of ["{", "", "jsonrpc: 2.0", '{"jsonrpc":"2.0","id":1,"method":"ping"} x']) {
          const { body: answer, status } = yield* desk.post(body)
          assert.strictEqual(status, 200)
          assert.isNull(answer?.id)
          assert.strictEqual(answer?.error?.code, -32_700)
          assert.strictEqual(answer?.error?.message, "Parse error")
          assert.isString(answer?.error?.data)
        }
      })
    )
  )

  it.scopedLive("3.1: notification: 202 without a body, whether the id is missing or null, whatever the method", () =>
    withDesk((desk) =>
      Effect.gen(function* () {
        for (const more of [{}, { id: null }]) {
          for (const method of ["notifications/initialized", "ping", "no such method", "notifications/cancelled"]) {
            const answer = yield* desk.post(toJson({ jsonrpc: "2.0", method, ...more }))
            assert.deepStrictEqual([answer.status, answer.text], [202, ""])
          }
        }
      })
    )
  )

  it.scopedLive("3.1: request with an id: a body with that id, text and number alike", () =>
    withDesk((desk) =>
      Effect.gen(function* () {
        for (const id of [0, 1, "a", "", 9_007_199_254_740_991]) {
          const { body } = yield* desk.post(toJson({ jsonrpc: "2.0", id, method: "ping" }))
          assert.deepStrictEqual(body, { jsonrpc: "2.0", id, result: {} })
        }
        const { body } = yield* desk.post(toJson({ jsonrpc: "2.0", id: { a: 1 }, method: "ping" }))
        assert.deepStrictEqual([body?.id, body?.error?.code], [null, -32_600])
      })
    )
  )

  it.scopedLive("3.1: batch array: -32600", () =>
    withDesk((desk) =>
      Effect.gen(function* () {
        const one = { jsonrpc: "2.0", id: 1, method: "ping" }
        for (const batch of [[], [one], [one, one]]) {
          const { body } = yield* desk.post(toJson(batch))
          assert.deepStrictEqual([body?.id, body?.error?.code], [null, -32_600])
          assert.include(String(body?.error?.data), "batch")
        }
      })
    )
  )

  it.scopedLive("3.1: initialize: the version is negotiated, and the shape is the one that clients know", () =>
    withDesk((desk) =>
      Effect.gen(function* () {
        for (const known of ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]) {
          const { body } = yield* desk.call("initialize", initialize(known))
          assert.strictEqual(body?.result?.["protocolVersion"], known)
          assert.deepStrictEqual(body?.result?.["capabilities"], { tools: {} })
          assert.deepStrictEqual(body?.result?.["serverInfo"], { name: "jobforge", version: "0.0.0-source" })
        }
        const { body } = yield* desk.call("initialize", initialize("1999-01-01"))
        assert.strictEqual(body?.result?.["protocolVersion"], "2025-11-25")
        for (const less of [undefined, {}, { protocolVersion: "2025-06-18" }]) {
          assert.isDefined((yield* desk.call("initialize", less)).body?.result)
        }
      })
    )
  )

  it.scopedLive("3.1: notifications/initialized with an id: an empty result", () =>
    withDesk((desk) =>
      Effect.gen(function* () {
        const { body } = yield* desk.call("notifications/initialized")
        assert.deepStrictEqual(body?.result, {})
      })
    )
  )

  it.scopedLive("3.1: ping: {}", () =>
    withDesk((desk) =>
      Effect.gen(function* () {
        assert.deepStrictEqual((yield* desk.call("ping")).body?.result, {})
        assert.deepStrictEqual((yield* desk.call("ping", {}, "/mcp")).body?.result, {})
      })
    )
  )

  it.scopedLive("3.1: tools/list: the seven in their order, then what is new", () =>
    withDesk((desk) =>
      Effect.gen(function* () {
        const { body } = yield* desk.call("tools/list")
        const tools = body?.result?.["tools"]
        assert.deepStrictEqual(Array.isArray(tools) ? tools.map(({ name }) => name) : tools, [
          "cleanup",
          "getHistory",
          "getLogs",
          "getStatus",
          "killJob",
          "purgeFailedJob",
          "submitJob",
          "waitForJob",
          "diagnoseJob",
          "retryJob",
          "listJobs",
          "cleanupZombies"
        ])
      })
    )
  )

  it.scopedLive("3.1: tools/call: name and arguments, of which the latter may be left out", () =>
    withDesk((desk) =>
      Effect.gen(function* () {
        for (const given of [undefined, null, {}, { limit: 3 }]) {
          const { body } = yield* desk.tool("getHistory", given)
          assert.deepStrictEqual(body?.result?.["structuredContent"], { jobs: [], total: 0 })
        }
      })
    )
  )

  it.scopedLive("3.1: unknown method: -32601 with the name as data", () =>
    withDesk((desk) =>
      Effect.gen(function* () {
        for (const method of ["resources/list", "prompts/list", "getstatus", "tools/calls"]) {
          const { body } = yield* desk.call(method)
          assert.deepStrictEqual(body?.error, { code: -32_601, message: "Method not found", data: method })
        }
      })
    )
  )

  it.scopedLive("3.1: unknown tool: -32601 with the name as data", () =>
    withDesk((desk) =>
      Effect.gen(function* () {
        const { body } = yield* desk.tool("buildJob", {})
        assert.deepStrictEqual(body?.error, { code: -32_601, message: "Tool not found", data: "buildJob" })
      })
    )
  )

  it.scopedLive("3.1: bad params: -32602 Invalid params, Tool name required, job_id required", () =>
    withDesk((desk) =>
      Effect.gen(function* () {
        const message = (params: unknown) =>
          Effect.map(desk.call("tools/call", params), ({ body }) => [body?.error?.code, body?.error?.message])
        assert.deepStrictEqual(yield* message(undefined), [-32_602, "Invalid params"])
        assert.deepStrictEqual(yield* message(["getStatus"]), [-32_602, "Invalid params"])
        assert.deepStrictEqual(yield* message({ name: "getStatus", arguments: "x" }), [-32_602, "Invalid params"])
        assert.deepStrictEqual(yield* message({}), [-32_602, "Tool name required"])
        assert.deepStrictEqual(yield* message({ name: "" }), [-32_602, "Tool name required"])
        for (const name of [
          "getStatus",
          "getLogs",
          "killJob",
          "cleanup",
          "purgeFailedJob",
          "waitForJob",
          "diagnoseJob"
        ]) {
          assert.deepStrictEqual(yield* message({ name, arguments: {} }), [-32_602, "job_id required"])
          assert.deepStrictEqual(yield* message({ name, arguments: { job_id: "" } }), [-32_602, "job_id required"])
          assert.deepStrictEqual(yield* message({ name, arguments: { job_id: 7 } }), [-32_602, "job_id required"])
        }
      })
    )
  )

  it.scopedLive("3.1: tool failure: a result with isError and the text that clients know", () =>
    withDesk((desk) =>
      Effect.gen(function* () {
        for (const name of [
          "getStatus",
          "getLogs",
          "killJob",
          "cleanup",
          "purgeFailedJob",
          "waitForJob",
          "diagnoseJob"
        ]) {
          const { body } = yield* desk.tool(name, { job_id: "nobody" })
          assert.isTrue(body?.result?.["isError"], name)
          assert.isUndefined(body?.result?.["structuredContent"], name)
          const [content] = Array.isArray(body?.result?.["content"]) ? body.result["content"] : []
          assert.match(String(content?.text), /^Job not found\njob not found: nobody\n.*listJobs/)
        }
      })
    )
  )

  it.scopedLive("3.1: tool success: text in a content list, and the same as structured content", () =>
    withDesk((desk) =>
      Effect.gen(function* () {
        const { body } = yield* desk.tool("listJobs")
        assert.deepStrictEqual(body?.result?.["content"], [{ type: "text", text: '{\n  "jobs": [],\n  "total": 0\n}' }])
        assert.deepStrictEqual(body?.result?.["structuredContent"], { jobs: [], total: 0 })
        assert.isUndefined(body?.result?.["isError"])
      })
    )
  )

  it.scopedLive("3.1: sessions: none; every request stands alone, and there is nothing to listen to or to end", () =>
    withDesk((desk) =>
      Effect.gen(function* () {
        // Without having said hello, and under a name that nobody gave.
        const { body } = yield* desk.post(toJson({ jsonrpc: "2.0", id: 1, method: "tools/list" }), {
          "mcp-session-id": "somebody"
        })
        assert.isDefined(body?.result)
        for (const method of ["GET", "DELETE", "PUT"]) {
          const response = yield* Effect.promise(() => fetch(`${desk.url}/mcp`, { method }))
          assert.strictEqual(response.status, 405)
          assert.strictEqual(response.headers.get("allow"), "POST, OPTIONS")
          assert.strictEqual((yield* Effect.promise(() => response.text())).trim(), "Method not allowed")
        }
      })
    )
  )
})
