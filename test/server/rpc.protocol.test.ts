import { assert, describe, it } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { Consul } from "../../src/consul/Consul.ts"
import { embeddedConsul } from "../support/embeddedConsul.ts"
import { type RpcDesk, rpcDesk, toJson } from "./rpcDesk.ts"

const withDesk = <A, E>(test: (desk: RpcDesk) => Effect.Effect<A, E, Scope.Scope>) =>
  Effect.gen(function* () {
    return yield* test(yield* rpcDesk({ consul: yield* Consul }))
  }).pipe(Effect.provide(embeddedConsul))

describe("the JSON-RPC interface", () => {
  it.scopedLive("params that are not the specification's: -32602, in words", () =>
    withDesk((desk) =>
      Effect.gen(function* () {
        const wrong: ReadonlyArray<readonly [string, object]> = [
          ["initialize", { protocolVersion: 3 }],
          ["tools/list", { cursor: 5 }],
          ["ping", { _meta: { progressToken: {} } }],
          ["tools/call", { name: "listJobs", _meta: 7 }]
        ]
        for (const [method, params] of wrong) {
          const { body } = yield* desk.call(method, params)
          assert.deepStrictEqual(body?.error, {
            code: -32_602,
            message: "Invalid params",
            data: `params of ${method} are not as the specification has them`
          })
        }
      })
    )
  )

  it.scopedLive("a member that is given twice is refused, as it is in every other interface", () =>
    withDesk((desk) =>
      Effect.gen(function* () {
        const { body } = yield* desk.post(
          '{"jsonrpc":"2.0","id":1,"method":"submitJob","params":{"owner":"a","owner":"b"}}'
        )
        assert.deepStrictEqual([body?.id, body?.error?.code], [1, -32_600])
        assert.include(String(body?.error?.data), "duplicated")
      })
    )
  )

  it.scopedLive("MCP-Protocol-Version: one that nobody speaks is refused with 400, as the specification demands", () =>
    withDesk((desk) =>
      Effect.gen(function* () {
        const ask = (version: string) =>
          desk.post(toJson({ jsonrpc: "2.0", id: 1, method: "tools/list" }), { "mcp-protocol-version": version })
        assert.strictEqual((yield* ask("1999-01-01")).status, 400)
        assert.strictEqual((yield* ask("2025-06-18")).status, 200)
      })
    )
  )

  it.scopedLive("a body that is too large is refused with 413", () =>
    withDesk((desk) =>
      Effect.gen(function* () {
        const { body, status } = yield* desk.post(`"${"x".repeat(1024 * 1024)}"`)
        assert.deepStrictEqual([status, body?.error?.code], [413, -32_600])
      })
    )
  )
})
