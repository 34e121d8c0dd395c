import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Layer, Logger, Predicate } from "effect"
import { Consul } from "../../src/consul/Consul.ts"
import { embeddedConsul } from "../support/embeddedConsul.ts"
import { httpDesk } from "./httpDesk.ts"

describe("a hostile body", () => {
  for (const [what, body] of [
    ["a string that never ends", `{"${String.raw`\"`.repeat(500_000)}`],
    ["brackets without end", `{"job_id": ${"[".repeat(400_000)}${"]".repeat(400_000)}}`]
  ] as const) {
    it.scopedLive(`costs no more than its length: ${what}`, () =>
      Effect.gen(function* () {
        const desk = yield* httpDesk({ consul: yield* Consul })
        for (const path of ["/json/submitJob", "/json/getStatus"]) {
          const [took, { json, status }] = yield* Effect.timed(desk.post(path, body))
          assert.strictEqual(status, 400)
          assert.strictEqual(Predicate.isRecord(json) ? json["error"] : undefined, "Invalid request body")
          assert.isBelow(Duration.toMillis(took), 5000)
        }
      }).pipe(Effect.provide(Layer.merge(embeddedConsul, Logger.remove(Logger.defaultLogger))))
    )
  }
})
