import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Logger, Scope } from "effect"
import { Consul } from "../../src/consul/Consul.ts"
import { minimal } from "../domain/records.ts"
import { embeddedConsul } from "../support/embeddedConsul.ts"
import { askRaw } from "./askRaw.ts"
import { keys } from "./deskOf.ts"
import { httpDesk } from "./httpDesk.ts"

describe("those who wait", () => {
  it.scopedLive("take a place each, however they ask for it", () =>
    Effect.gen(function* () {
      const consul = yield* Consul
      yield* consul.put(`${keys.jobs}web`, JSON.stringify(minimal))
      yield* consul.put(`${keys.config}limits/waiters_per_caller`, "1")
      const desk = yield* httpDesk({ consul })
      yield* Effect.sleep("300 millis")
      // No Accept, as curl has none: what answers is what counts.
      assert.strictEqual((yield* askRaw(desk, "/json/job/web/events", {})).status, 200)
      for (const path of [
        "/jobs/web/events",
        "/json/job/web/status?index=999999",
        "/jobs/web?%77ait=5m&%69ndex=999999",
        "/mcp/job/web/logs/stream",
        "/json/job/web/%65vents"
      ]) {
        const { headers, status } = yield* askRaw(desk, path, {})
        assert.strictEqual(status, 429, path)
        assert.strictEqual(headers["retry-after"], "5")
      }
      assert.strictEqual((yield* askRaw(desk, "/jobs/web", { accept: "text/event-stream" })).status, 200)
    }).pipe(Effect.provide(Layer.merge(embeddedConsul, Logger.remove(Logger.defaultLogger))))
  )
})

describe("a handshake that is none", () => {
  it.scopedLive("is refused, and keeps the service neither busy nor from ending", () =>
    Effect.gen(function* () {
      const consul = yield* Consul
      yield* consul.put(`${keys.jobs}web`, JSON.stringify(minimal))
      const logged: Array<string> = []
      const log = Logger.replace(
        Logger.defaultLogger,
        Logger.map(Logger.logfmtLogger, (line) => void logged.push(line))
      )
      const scope = yield* Scope.make()
      const desk = yield* Scope.extend(Effect.provide(httpDesk({ consul }), log), scope)
      const upgrade = { connection: "upgrade", upgrade: "websocket" }
      assert.strictEqual((yield* askRaw(desk, "/json/streamLogs?job_id=web", upgrade)).status, 400)
      yield* Effect.sleep("100 millis")
      const ended = yield* Effect.timeoutOption(Effect.disconnect(Scope.close(scope, Exit.void)), "5 seconds")
      assert.strictEqual(ended._tag, "Some")
      assert.notInclude(logged.join("\n"), "bug")
    }).pipe(Effect.provide(embeddedConsul))
  )
})
