import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { Waiters } from "../../../src/embedded/http/Waiters.ts"

it.live("wakes those who wait for what changed, once for all changes of one turn", () =>
  Effect.gen(function* () {
    const waiters = new Waiters()
    const woken: Array<string> = []
    waiters.wait(["a", "b"], 10_000, (why) => woken.push(`ab ${why}`))
    waiters.wait(["c"], 10_000, (why) => woken.push(`c ${why}`))
    waiters.notify(["a", "b"])
    waiters.notify(["a"])
    yield* Effect.sleep("10 millis")
    assert.deepStrictEqual(woken, ["ab changed"])
    waiters.close()
  })
)

it.live("wakes for the timeout, never for what was given up, and keeps nothing", () =>
  Effect.gen(function* () {
    const waiters = new Waiters()
    const woken: Array<string> = []
    waiters.wait(["a"], 5, (why) => woken.push(`a ${why}`))
    const giveUp = waiters.wait(["b"], 5, (why) => woken.push(`b ${why}`))
    waiters.notify(["b"])
    giveUp()
    yield* Effect.sleep("50 millis")
    assert.deepStrictEqual(woken, ["a timeout"])
    assert.strictEqual(waiters.size, 0)
  })
)
