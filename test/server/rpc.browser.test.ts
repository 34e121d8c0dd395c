import { assert, describe, it } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { Consul } from "../../src/consul/Consul.ts"
import { embeddedConsul } from "../support/embeddedConsul.ts"
import { type RpcDesk, rpcDesk, toJson } from "./rpcDesk.ts"

const withDesk = <A, E>(corsOrigin: string, test: (desk: RpcDesk) => Effect.Effect<A, E, Scope.Scope>) =>
  Effect.gen(function* () {
    return yield* test(yield* rpcDesk({ consul: yield* Consul, corsOrigin }))
  }).pipe(Effect.provide(embeddedConsul))

/** As the inspector's page asks before it connects by itself, without its proxy. */
const preflight = (desk: RpcDesk, origin: string) =>
  Effect.promise(() =>
    fetch(`${desk.url}/mcp`, {
      method: "OPTIONS",
      headers: {
        origin,
        "access-control-request-method": "POST",
        "access-control-request-headers":
          "authorization,content-type,mcp-method,mcp-name,mcp-protocol-version,mcp-session-id"
      }
    })
  )

const initialize = {
  jsonrpc: "2.0",
  id: 0,
  method: "initialize",
  params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "inspector", version: "1" } }
}

describe("a page in a browser", () => {
  const inspector = "http://localhost:6274"

  for (const corsOrigin of ["*", inspector, "https://app.example.com"]) {
    it.scopedLive(`CORS_ORIGIN ${corsOrigin}: the documented headers of a preflight`, () =>
      withDesk(corsOrigin, (desk) =>
        Effect.gen(function* () {
          const { headers, status } = yield* preflight(desk, corsOrigin === "*" ? inspector : corsOrigin)
          assert.strictEqual(status, 200)
          assert.strictEqual(headers.get("access-control-allow-origin"), corsOrigin)
          assert.strictEqual(headers.get("access-control-allow-methods"), "POST, OPTIONS")
          assert.match(headers.get("access-control-allow-headers") ?? "", /^Content-Type, mcp-protocol-version/)
          assert.strictEqual(headers.get("access-control-max-age"), "3600")
          assert.strictEqual(headers.get("vary"), corsOrigin === "*" ? null : "Origin")
        })
      )
    )
  }

  it.scopedLive("of an inspector may connect, and say all headers of the protocol", () =>
    withDesk("*", (desk) =>
      Effect.gen(function* () {
        const { headers } = yield* preflight(desk, inspector)
        for (const name of ["authorization", "mcp-method", "mcp-name", "mcp-session-id"]) {
          assert.include(headers.get("access-control-allow-headers"), name)
        }
        const answer = yield* desk.post(
          toJson(initialize),
          { origin: inspector, accept: "application/json, text/event-stream" },
          "/mcp"
        )
        assert.strictEqual(answer.status, 200)
        assert.strictEqual(answer.headers.get("access-control-allow-origin"), "*")
        // What it shall say later it must be able to read.
        assert.isNotNull(answer.headers.get("mcp-session-id"))
        assert.include(answer.headers.get("access-control-expose-headers"), "Mcp-Session-Id")
        assert.strictEqual(answer.body?.result?.["protocolVersion"], "2025-11-25")
      })
    )
  )

  it.scopedLive("of somebody else is refused, as is a name that is not the machine's", () =>
    withDesk("*", (desk) =>
      Effect.gen(function* () {
        const page = yield* Effect.promise(() =>
          fetch(`${desk.url}/mcp`, {
            method: "POST",
            headers: { origin: "http://evil.example", "content-type": "text/plain" },
            body: toJson(initialize)
          })
        )
        assert.strictEqual(page.status, 403)
      })
    )
  )
})
