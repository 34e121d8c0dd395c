import { assert, describe, it } from "@effect/vitest"
import { Chunk, Clock, Effect, Fiber, Ref, Schedule, Stream, TestClock } from "effect"
import { NomadEvent } from "../../src/nomad/NomadEvent.ts"
import { reconnecting } from "../../src/nomad/reconnecting.ts"

const changed = NomadEvent.EvaluationChanged({ jobId: "build-1", isRoutine: true, index: 7 })

/** Opens the connections of this list, one after the other: what each brings before it breaks, or that it can't be had. */
const opening = Effect.fnUntraced(function* (connections: ReadonlyArray<ReadonlyArray<NomadEvent> | "refused">) {
  const opened = yield* Ref.make<ReadonlyArray<number>>([])
  const closed = yield* Ref.make(0)
  const open = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const at = yield* Ref.modify(opened, (times) => [times.length, [...times, now]] as const)
    const events = connections[at]
    if (events === undefined || events === "refused") return yield* Effect.fail("refused" as const)
    yield* Effect.addFinalizer(() => Ref.update(closed, (count) => count + 1))
    return Stream.concat(Stream.fromIterable(events), Stream.fail("broken" as const))
  })
  return { open, opened: Ref.get(opened), closed: Ref.get(closed) }
})

describe("connections one after the other", () => {
  it.effect("begin with Connected, and close before the next one", () =>
    Effect.gen(function* () {
      const { closed, open, opened } = yield* opening([[changed], [], [changed, changed]])
      const errors = yield* Ref.make<ReadonlyArray<string>>([])
      const stream = reconnecting(open, Schedule.recurs(1), (error) => Ref.update(errors, (all) => [...all, error]))
      const seen = yield* Ref.make<ReadonlyArray<NomadEvent>>([])
      // Each connection that was made begins the schedule anew, which allows one more: not the second after it.
      const end = yield* Effect.flip(Stream.runForEach(stream, (event) => Ref.update(seen, (all) => [...all, event])))
      assert.strictEqual(end, "refused")
      const connected = NomadEvent.Connected()
      assert.deepStrictEqual(yield* Ref.get(seen), [connected, changed, connected, connected, changed, changed])
      assert.deepStrictEqual(yield* Ref.get(errors), ["broken", "broken", "broken", "refused"])
      assert.lengthOf(yield* opened, 4)
      assert.strictEqual(yield* closed, 3)
    })
  )

  it.effect("wait longer each time that none can be had, and as at first after one that could", () =>
    Effect.gen(function* () {
      const { open, opened } = yield* opening(["refused", "refused", "refused", [changed], "refused", [changed]])
      const stream = reconnecting(open, Schedule.exponential("100 millis"))
      const events = yield* Effect.fork(Stream.runCollect(Stream.take(stream, 4)))
      yield* TestClock.adjust("10 seconds")
      assert.lengthOf(Chunk.toReadonlyArray(yield* Fiber.join(events)), 4)
      assert.deepStrictEqual(yield* opened, [0, 100, 300, 700, 800, 1000])
    })
  )
})
