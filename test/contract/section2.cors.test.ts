import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { askRaw, preflight } from "../server/askRaw.ts"
import { alone } from "../server/httpScenes.ts"

describe("the interface's section 2.12", () => {
  for (const origin of ["*", "http://localhost:6274", "https://app.example.com"]) {
    it.scoped(`2.12 and Appendix B: a preflight with CORS_ORIGIN ${origin} has the documented headers`, () =>
      alone(
        (desk) =>
          Effect.gen(function* () {
            for (const path of ["/mcp", "/json"]) {
              const { headers, status } = yield* preflight(desk, path)
              assert.strictEqual(status, 200)
              assert.strictEqual(headers["access-control-allow-origin"], origin)
              assert.strictEqual(headers["access-control-allow-methods"], "POST, OPTIONS")
              assert.strictEqual(headers["access-control-allow-headers"], "Content-Type, mcp-protocol-version")
              assert.strictEqual(headers["access-control-max-age"], "3600")
              assert.strictEqual(headers["vary"], origin === "*" ? undefined : "Origin")
            }
          }),
        { corsOrigins: [origin] }
      )
    )
  }

  it.scoped("2.12: Access-Control-Allow-Origin is on every answer of /json and /mcp, errors included", () =>
    alone((desk) =>
      Effect.gen(function* () {
        for (const path of ["/json/job/nobody/status", "/mcp/submitJob", "/json/nothing", "/mcp/job/x/y"]) {
          const { headers } = yield* askRaw(desk, path, {})
          assert.strictEqual(headers["access-control-allow-origin"], "*", path)
        }
      })
    )
  )

  it.scoped("2.12: a preflight names the headers that a browser's client needs, and no others that it asks for", () =>
    alone((desk) =>
      Effect.gen(function* () {
        const asked = { "access-control-request-headers": "authorization, mcp-session-id, x-evil" }
        const { headers } = yield* preflight(desk, "/json/submitJob", asked)
        assert.strictEqual(
          headers["access-control-allow-headers"],
          "Content-Type, mcp-protocol-version, authorization, mcp-session-id"
        )
        assert.strictEqual(headers["access-control-allow-methods"], "GET, POST, DELETE, OPTIONS")
      })
    )
  )

  it.scoped("2.12: of several origins the one that asks is named, with Vary: Origin", () =>
    alone(
      (desk) =>
        Effect.gen(function* () {
          const { headers } = yield* askRaw(desk, "/json/nothing", { origin: "https://b.example.com" })
          assert.strictEqual(headers["access-control-allow-origin"], "https://b.example.com")
          assert.strictEqual(headers["vary"], "Origin")
        }),
      { corsOrigins: ["https://a.example.com", "https://b.example.com"] }
    )
  )
})
