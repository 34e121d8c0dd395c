import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, TestClock } from "effect"
import { makeSharedEnds } from "../../src/store/sharedEnds.ts"

const scene = Effect.gen(function* () {
  const told: Array<string> = []
  const ends = yield* makeSharedEnds<string>((member) => void told.push(member))
  return { ends, told }
})

describe("the ends of many waits", () => {
  it.scoped("come after their time, at most a sixty-fourth early, to those who have not left", () =>
    Effect.gen(function* () {
      const { ends, told } = yield* scene
      yield* ends.after(Duration.seconds(60), "first")
      yield* TestClock.adjust("100 millis")
      yield* ends.after(Duration.seconds(60), "second")
      yield* ends.after(Duration.millis(10), "short")
      yield* ends.after(Duration.infinity, "endless")
      yield* TestClock.adjust("9 millis")
      assert.deepStrictEqual(told, [])
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(told, ["short"])
      ends.leave("first")
      yield* TestClock.adjust("59 seconds")
      assert.deepStrictEqual(told, ["short"])
      yield* TestClock.adjust("1 seconds")
      assert.deepStrictEqual(told, ["short", "second"])
    })
  )

  it.scoped("come at once where what ends them is over, for each that joins anew as well", () =>
    Effect.gen(function* () {
      const { ends, told } = yield* scene
      const stopped = yield* Deferred.make<void>()
      const end = Deferred.await(stopped)
      yield* ends.at(end, "one")
      yield* ends.at(end, "other")
      ends.leave("other")
      yield* ends.at(end, "third")
      yield* Deferred.succeed(stopped, undefined)
      yield* TestClock.adjust(0)
      assert.deepStrictEqual(told, ["one", "third"])
      yield* ends.at(end, "late")
      yield* TestClock.adjust(0)
      assert.deepStrictEqual(told, ["one", "third", "late"])
    })
  )
})
