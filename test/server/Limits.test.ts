import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Exit, Layer, Scope, TestClock } from "effect"
import { LimitReached, Limits } from "../../src/server/Limits.ts"
import { LiveSettings, settingsOf } from "../../src/store/LiveSettings.ts"
import { readSettings } from "../../src/store/Settings.ts"

const limits = (environment: Readonly<Record<string, string>>) =>
  Limits.layer.pipe(
    Layer.provide(
      Layer.succeed(
        LiveSettings,
        settingsOf(() => readSettings(environment, {}).settings)
      )
    )
  )

/** How many of so many requests at once are let in. */
const letIn = Effect.fnUntraced(function* (caller: string, requests: number) {
  const { request } = yield* Limits
  return Array.from({ length: requests }, () => request(caller)).filter((reached) => reached === undefined).length
})

describe("Limits", () => {
  it.effect("lets a burst in, then as many as the rate says, each caller by itself", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* letIn("ann", 25), 20)
      assert.strictEqual(yield* letIn("bob", 5), 5)
      yield* TestClock.adjust("500 millis")
      assert.strictEqual(yield* letIn("ann", 25), 5)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(yield* letIn("ann", 25), 20)
    }).pipe(Effect.provide(limits({ RATE_LIMIT: "10", RATE_LIMIT_BURST: "20" })))
  )

  it.effect("says when to come back", () =>
    Effect.gen(function* () {
      yield* letIn("ann", 1)
      const { request } = yield* Limits
      const refused = request("ann")
      assert.instanceOf(refused, LimitReached)
      assert.strictEqual(refused.limit, "rate")
      yield* TestClock.adjust(`${refused.retryAfter} seconds`)
      assert.strictEqual(yield* letIn("ann", 1), 1)
    }).pipe(Effect.provide(limits({ RATE_LIMIT: "1", RATE_LIMIT_BURST: "1" })))
  )

  it.effect("limits nothing where the rate is 0", () =>
    Effect.map(letIn("ann", 10_000), (count) => assert.strictEqual(count, 10_000)).pipe(
      Effect.provide(limits({ RATE_LIMIT: "0" }))
    )
  )

  it.effect("forgets callers that have not asked for long, however many there were", () =>
    Effect.gen(function* () {
      yield* letIn("ann", 3)
      for (let caller = 0; caller < 30_000; caller++) yield* letIn(`address ${caller}`, 1)
      // Its bucket is gone, so it is full: better than to remember every address there is.
      assert.strictEqual(yield* letIn("ann", 3), 2)
    }).pipe(Effect.provide(limits({ RATE_LIMIT: "1", RATE_LIMIT_BURST: "2" })))
  )

  it.effect("holds places for those who wait, for one caller and for all, and gives them back", () =>
    Effect.gen(function* () {
      const { waiter } = yield* Limits
      const scope = yield* Scope.make()
      const wait = (caller: string) => Effect.either(Scope.extend(waiter(caller), scope))
      const limitOf = (result: Either.Either<void, LimitReached>) =>
        Either.match(result, { onLeft: ({ limit }) => limit, onRight: () => "waits" })
      const seen = []
      for (const caller of ["ann", "ann", "ann", "bob", "cid"]) seen.push(limitOf(yield* wait(caller)))
      assert.deepStrictEqual(seen, ["waits", "waits", "waiters_per_caller", "waits", "waiters"])
      yield* Scope.close(scope, Exit.void)
      const again = yield* Effect.scoped(Effect.either(waiter("ann")))
      assert.strictEqual(limitOf(again), "waits")
    }).pipe(Effect.provide(limits({ MAX_WAITERS: "3", MAX_WAITERS_PER_CALLER: "2" })))
  )
})
