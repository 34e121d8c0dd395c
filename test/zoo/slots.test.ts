import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { type ApiError, Unavailable } from "../../src/http/ApiError.ts"
import type { Consul } from "../../src/consul/Consul.ts"
import { record, setStage, type Stage, withTests } from "./support/Stage.ts"

const slotsLeft = (stage: Stage) => Effect.map(stage.consul.keys("jobforge-service/slots/"), ({ value }) => value)

describe("slots", () => {
  it.scopedLive.each([
    ["fails", { git_ref: "broken" }, undefined],
    ["fails in its test", { test: { commands: ["exit 3"] } }, undefined],
    ["is cancelled", { git_ref: "endless" }, { git_ref: "endless", state: "cancelled" }],
    ["succeeds", withTests, undefined]
  ] as const)("Z7: a run that %s gives back what it held, and whoever waited goes on", ([, first, then]) =>
    Effect.gen(function* () {
      const stage = yield* setStage
      yield* stage.serve()
      yield* stage.put("holder", record("shared", first))
      yield* stage.until("holder", ({ slots }) => slots.length > 0)
      yield* stage.put("waiter", record("shared", first))
      if (then !== undefined) {
        const waiting = yield* stage.until("waiter", (status) => status.waiting !== undefined)
        assert.strictEqual(waiting.waiting?.reason, "WaitingForSlot")
        assert.strictEqual(waiting.waiting?.holder?.name, "holder")
        yield* stage.put("holder", record("shared", then))
      }
      yield* stage.ended("holder")
      const waiter = yield* stage.until("waiter", ({ attempts }) => attempts.length > 0)
      assert.isUndefined(waiter.waiting)
      if (then !== undefined) yield* stage.put("waiter", record("shared", then))
      yield* stage.ended("waiter")
      assert.deepStrictEqual(yield* slotsLeft(stage), [])
      assert.deepStrictEqual(stage.registry.violations, [])
    })
  )

  it.scopedLive("Z7: a write that fails on its way leaves no slot behind that nobody holds", () =>
    Effect.gen(function* () {
      const stage = yield* setStage
      let writes = 0
      const unsure = (consul: Consul["Type"]): Consul["Type"] => ({
        ...consul,
        // The first two are done, but nobody hears of it.
        transaction: (ops) =>
          Effect.flatMap(consul.transaction(ops), (result) => {
            const deaf: Effect.Effect<never, ApiError> = Effect.fail(
              new Unavailable({ system: "consul", operation: "txn", detail: "the answer was lost" })
            )
            return ++writes <= 2 ? deaf : Effect.succeed(result)
          })
      })
      yield* stage.serve({ consul: unsure })
      yield* stage.put("unsure", record("unsure", withTests))
      const status = yield* stage.ended("unsure")
      assert.strictEqual(status.status, "SUCCEEDED", status.error)
      assert.deepStrictEqual(yield* slotsLeft(stage), [])
      assert.lengthOf(stage.registry.publications, 1)
    })
  )

  it.scopedLive("Z22: what a long build holds is not lost by time or by a restart of the service", () =>
    Effect.gen(function* () {
      const stage = yield* setStage
      const first = yield* stage.serve()
      yield* stage.put("z-long", record("shared", { git_ref: "endless" }))
      yield* stage.until("z-long", ({ status }) => status === "BUILDING")
      yield* stage.put("a-other", record("shared", { git_ref: "endless" }))
      yield* stage.until("a-other", ({ waiting }) => waiting?.reason === "WaitingForSlot")
      const held = yield* slotsLeft(stage)
      assert.isNotEmpty(held)
      // Held by its key alone: no session whose end would free it.
      for (const key of held) {
        const entry = yield* stage.consul.get(key)
        assert.isUndefined(entry._tag === "Some" ? entry.value.session : "it is gone")
      }
      // What lapses by time has had some when the next leader looks.
      yield* Effect.sleep("1 second")
      yield* Fiber.interrupt(first)
      yield* stage.serve()
      yield* stage.put("z-more", { owner: 7 })
      yield* stage.until("z-more", ({ errors }) => errors !== undefined)
      // Time for a second try, should the first have freed what it wanted.
      yield* Effect.sleep("1500 millis")
      assert.deepStrictEqual(yield* slotsLeft(stage), held)
      const other = yield* stage.status("a-other")
      assert.lengthOf(other?.attempts ?? [], 0)
      assert.strictEqual(other?.waiting?.holder?.name, "z-long")
      assert.strictEqual((yield* stage.status("z-long"))?.status, "BUILDING")
    })
  )
})
