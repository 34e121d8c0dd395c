import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Ref } from "effect"
import { bothOf } from "../../src/controller/bothOf.ts"

const interruptions = Effect.gen(function* () {
  const count = yield* Ref.make(0)
  const started = yield* Deferred.make<void>()
  const endless = Effect.onInterrupt(Effect.zipRight(Deferred.succeed(started, undefined), Effect.never), () =>
    Ref.update(count, (sum) => sum + 1)
  )
  return { count, endless, started }
})

describe("bothOf", () => {
  it.effect("does both at the same time, and answers in order", () =>
    Effect.gen(function* () {
      const told = yield* Deferred.make<string>()
      const answered = yield* Deferred.make<string>()
      const here = Effect.zipRight(Deferred.succeed(told, "one"), Deferred.await(answered))
      const beside = Effect.zipLeft(Deferred.await(told), Deferred.succeed(answered, "two"))
      assert.deepStrictEqual(yield* bothOf(here, beside), ["two", "one"])
    })
  )

  it.effect("ends the one beside before it fails", () =>
    Effect.gen(function* () {
      const { count, endless, started } = yield* interruptions
      const exit = yield* Effect.exit(bothOf(Effect.zipRight(Deferred.await(started), Effect.fail("no")), endless))
      assert.deepStrictEqual(exit, Exit.fail("no"))
      assert.strictEqual(yield* Ref.get(count), 1)
    })
  )

  it.effect("fails as the one beside did", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* Effect.exit(bothOf(Effect.succeed(1), Effect.fail("no"))), Exit.fail("no"))
    })
  )

  it.effect("ends both when whoever waits is interrupted", () =>
    Effect.gen(function* () {
      const here = yield* interruptions
      const beside = yield* interruptions
      const fiber = yield* Effect.fork(bothOf(here.endless, beside.endless))
      yield* Deferred.await(here.started)
      yield* Deferred.await(beside.started)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual([yield* Ref.get(here.count), yield* Ref.get(beside.count)], [1, 1])
    })
  )
})
