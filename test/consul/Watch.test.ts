import { assert, describe, it } from "@effect/vitest"
import { Chunk, Duration, Effect, Fiber, Logger, Ref, Stream, TestClock } from "effect"
import type { Indexed } from "../../src/consul/Consul.ts"
import { blockingTimeout, type Position, watch as watchThat, type Watched } from "../../src/consul/Watch.ts"
import { type ApiError, Denied, Unavailable } from "../../src/http/ApiError.ts"

const outage = new Unavailable({ system: "consul", operation: "kv.keys jobs/", detail: "connection refused" })
const denied = new Denied({ system: "consul", operation: "kv.keys jobs/", detail: "Permission denied" })

const watch = (what: string, read: Watched<string>["read"]) =>
  watchThat({ what, read, isAbsent: (value) => value === "" })

/** Answers one after another, then blocks for ever, as a Consul without news. */
const scripted = (answers: ReadonlyArray<Indexed<string> | ApiError>) =>
  Effect.gen(function* () {
    const asked = yield* Ref.make<ReadonlyArray<number>>([])
    const read = (position: Position): Effect.Effect<Indexed<string>, ApiError> =>
      Effect.flatMap(
        Ref.getAndUpdate(asked, (all) => [...all, position.index]),
        (before) => {
          const answer = answers[before.length]
          if (answer === undefined) return Effect.never
          return "_tag" in answer ? Effect.fail(answer) : Effect.succeed(answer)
        }
      )
    return { asked: Ref.get(asked), read }
  })

const at = (index: number, value = `state ${index}`): Indexed<string> => ({ index, value })

/** What is emitted within a virtual minute. */
const collect = (answers: ReadonlyArray<Indexed<string> | ApiError>) =>
  Effect.gen(function* () {
    const { asked, read } = yield* scripted(answers)
    const emitted = yield* Ref.make<ReadonlyArray<Indexed<string>>>([])
    const logged: Array<string> = []
    const logger = Logger.make(({ logLevel, message }) => void logged.push(`${logLevel.label} ${String(message)}`))
    const fiber = yield* watch("keys jobs/", read).pipe(
      Stream.runForEach((state) => Ref.update(emitted, (all) => [...all, state])),
      Effect.provide(Logger.replace(Logger.defaultLogger, logger)),
      Effect.fork
    )
    yield* TestClock.adjust("1 minute")
    yield* Fiber.interrupt(fiber)
    return { asked: yield* asked, emitted: yield* Ref.get(emitted), logged }
  })

describe("watch", () => {
  it.effect("starts with the present state and then asks for what is newer", () =>
    Effect.gen(function* () {
      const { asked, emitted } = yield* collect([at(5), at(9)])
      assert.deepStrictEqual(asked, [0, 5, 9])
      assert.deepStrictEqual(emitted, [at(5), at(9)])
    })
  )

  it.effect("passes nothing on when the wait ran out without news", () =>
    Effect.gen(function* () {
      const { asked, emitted } = yield* collect([at(5), at(5), at(5), at(6)])
      assert.deepStrictEqual(asked, [0, 5, 5, 5, 6])
      assert.deepStrictEqual(emitted, [at(5), at(6)])
    })
  )

  it.effect("starts again from 0 when the index goes back", () =>
    Effect.gen(function* () {
      const { asked, emitted } = yield* collect([at(399), at(397), at(397), at(400)])
      assert.deepStrictEqual(asked, [0, 399, 0, 397, 400])
      assert.deepStrictEqual(emitted, [at(399), at(397), at(400)])
    })
  )

  it.effect("never blocks on index 0, which wouldn't block", () =>
    Effect.gen(function* () {
      const { asked } = yield* collect([at(0), at(0), at(3)])
      assert.deepStrictEqual(asked, [0, 1, 0, 3])
    })
  )

  it.effect("survives an outage and reports the present state after it, though its index is the old one", () =>
    Effect.gen(function* () {
      const { asked, emitted } = yield* collect([at(5), outage, outage, outage, at(5, "restored"), at(6)])
      assert.deepStrictEqual(asked, [0, 5, 0, 0, 0, 5, 6])
      assert.deepStrictEqual(emitted, [at(5), at(5, "restored"), at(6)])
    })
  )

  it.effect("logs an outage once, and its end", () =>
    Effect.gen(function* () {
      const { logged } = yield* collect([at(5), outage, outage, outage, at(6), outage, at(7)])
      const told = `WARN consul watch interrupted,${outage.message}`
      assert.deepStrictEqual(logged, [told, "INFO consul watch resumed", told, "INFO consul watch resumed"])
    })
  )

  it.effect("logs again when the reason becomes another one, since an operator must act on it", () =>
    Effect.gen(function* () {
      const { logged } = yield* collect([outage, outage, denied, denied, at(7)])
      assert.deepStrictEqual(
        logged.map((line) => line.split(",")[0]),
        ["WARN consul watch interrupted", "WARN consul watch interrupted", "INFO consul watch resumed"]
      )
    })
  )

  it.effect("waits longer from attempt to attempt, up to 10 s", () =>
    Effect.gen(function* () {
      const { asked } = yield* collect(Array.from({ length: 1000 }, () => outage))
      // The pauses double from 0.1 s, each between half and the whole of it: 6 to 10 s each from the eighth on.
      assert.isAtLeast(asked.length, 11)
      assert.isAtMost(asked.length, 22)
    })
  )

  it.effect("reads at most every 10 ms however fast the changes come", () =>
    Effect.gen(function* () {
      const { read, asked } = yield* scripted(Array.from({ length: 1000 }, (_, index) => at(index + 1)))
      const fiber = yield* Effect.fork(Stream.runDrain(watch("keys jobs/", read)))
      yield* TestClock.adjust("100 millis")
      yield* Fiber.interrupt(fiber)
      assert.strictEqual((yield* asked).length, 11)
    })
  )

  it.effect("lets others write ten times faster while there is still nothing, and passes each answer on", () =>
    Effect.gen(function* () {
      const writes = Array.from({ length: 1000 }, (_, index) => at(index + 1, ""))
      const { read, asked } = yield* scripted(writes)
      let emitted = 0
      const fiber = yield* Effect.fork(
        Stream.runForEach(watch("list config/", read), () => Effect.sync(() => emitted++))
      )
      yield* TestClock.adjust("1150 millis")
      yield* Fiber.interrupt(fiber)
      // After 10, 20, 40, 80 ms and then each 100.
      assert.strictEqual((yield* asked).length, 15)
      assert.strictEqual(emitted, 15)
    })
  )

  it.effect("is as fast as ever once there is something", () =>
    Effect.gen(function* () {
      const writes = [
        ...Array.from({ length: 5 }, (_, index) => at(index + 1, "")),
        ...Array.from({ length: 99 }, (_, index) => at(index + 6))
      ]
      const { read, asked } = yield* scripted(writes)
      const fiber = yield* Effect.fork(Stream.runDrain(watch("list config/", read)))
      yield* TestClock.adjust("250 millis")
      const before = (yield* asked).length
      yield* TestClock.adjust("100 millis")
      yield* Fiber.interrupt(fiber)
      assert.strictEqual((yield* asked).length - before, 10)
    })
  )

  it.effect("slows down when a server answers at once without news", () =>
    Effect.gen(function* () {
      const { asked } = yield* collect(Array.from({ length: 10_000 }, () => at(5)))
      // Seven readings until the pause is a second, then one a second.
      assert.isAtMost(asked.length, 70)
    })
  )

  it.effect("reads no further than its consumer", () =>
    Effect.gen(function* () {
      const { asked, read } = yield* scripted([at(1), at(2), at(3)])
      const first = yield* Stream.runCollect(Stream.take(watch("keys jobs/", read), 1))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(Chunk.toReadonlyArray(first), [at(1)])
      assert.deepStrictEqual(yield* asked, [0])
    })
  )

  it("gives a blocking query more time than Consul may take", () => {
    assert.isAbove(Duration.toSeconds(blockingTimeout({ index: 7, waitSeconds: 60 })), 60 + 60 / 16)
  })
})
