import { assert, describe, it } from "@effect/vitest"
import { Clock, type Duration, Effect, Option } from "effect"
import { TxnOp } from "../../src/consul/Transaction.ts"
import { area, type Area, eventually, utf8, wokenBy } from "./consulArea.ts"

const sessionOf = (
  { consul, id }: Area,
  lockDelay: Duration.DurationInput,
  behavior: "release" | "delete" = "release"
) =>
  Effect.acquireRelease(consul.createSession({ name: id, lockDelay, behavior }), (session) =>
    Effect.ignore(consul.destroySession(session))
  )

const lockOf = ({ consul, prefix }: Area) => Effect.map(consul.get(`${prefix}lock`), Option.getOrThrow)

export const lockConformance = (address: () => string): void => {
  describe("a lock", () => {
    it.scopedLive("is taken by one session, which may take it again", () =>
      Effect.gen(function* () {
        const test = yield* area(address())
        const key = `${test.prefix}lock`
        const [mine, other] = [yield* sessionOf(test, 0), yield* sessionOf(test, 0)]
        assert.isTrue(yield* test.consul.acquire(key, "1", mine))
        const first = yield* lockOf(test)
        assert.deepStrictEqual([first.session, first.lockIndex, utf8(first.value)], [mine, 1, "1"])
        assert.isFalse(yield* test.consul.acquire(key, "2", other))
        assert.isTrue(yield* test.consul.acquire(key, "3", mine))
        const again = yield* lockOf(test)
        assert.deepStrictEqual([again.session, again.lockIndex, utf8(again.value)], [mine, 1, "3"])
        assert.isAbove(again.modifyIndex, first.modifyIndex)
      })
    )

    it.scopedLive("goes to one of many that want it at the same time", () =>
      Effect.gen(function* () {
        const test = yield* area(address())
        const sessions = yield* Effect.replicateEffect(sessionOf(test, 0), 8)
        const taken = yield* Effect.forEach(
          sessions,
          (session) => test.consul.acquire(`${test.prefix}lock`, session, session),
          { concurrency: "unbounded" }
        )
        assert.strictEqual(taken.filter(Boolean).length, 1)
        const { session, value } = yield* lockOf(test)
        assert.strictEqual(utf8(value), session)
      })
    )

    it.scopedLive("is released by its holder only, and free for the next at once", () =>
      Effect.gen(function* () {
        const test = yield* area(address())
        const key = `${test.prefix}lock`
        const [mine, other] = [yield* sessionOf(test, "10 seconds"), yield* sessionOf(test, 0)]
        yield* test.consul.acquire(key, "mine", mine)
        assert.isFalse(yield* test.consul.release(key, other))
        assert.isTrue(yield* test.consul.release(key, mine, "free"))
        const free = yield* lockOf(test)
        assert.deepStrictEqual([free.session, free.lockIndex, utf8(free.value)], [undefined, 1, "free"])
        assert.isTrue(yield* test.consul.acquire(key, "other", other))
        assert.strictEqual((yield* lockOf(test)).lockIndex, 2)
      })
    )

    it.scopedLive("is not given to a session that Consul doesn't know", () =>
      Effect.gen(function* () {
        const { consul, prefix } = yield* area(address())
        const unknown = "11111111-2222-3333-4444-555555555555"
        const error = yield* Effect.flip(consul.acquire(`${prefix}lock`, "", unknown))
        assert.deepStrictEqual([error._tag, error.detail], ["Conflict", `invalid session "${unknown}"`])
        const malformed = yield* Effect.flip(consul.acquire(`${prefix}lock`, "", "abc"))
        assert.strictEqual(malformed._tag, "Invalid")
      })
    )

    it.scopedLive("doesn't keep others from writing: that takes a check in a transaction", () =>
      Effect.gen(function* () {
        const test = yield* area(address())
        const { consul, prefix } = test
        const key = `${prefix}lock`
        const mine = yield* sessionOf(test, 0)
        yield* consul.acquire(key, "mine", mine)
        yield* consul.put(key, "intruder")
        const after = yield* lockOf(test)
        assert.deepStrictEqual([after.session, after.lockIndex, utf8(after.value)], [mine, 0, "intruder"])
        const fenced = yield* consul.transaction([
          TxnOp.CheckSession({ key, session: mine }),
          TxnOp.Set({ key: `${prefix}data`, value: "1" })
        ])
        assert.strictEqual(fenced._tag, "Committed")
      })
    )

    it.scopedLive("falls when its session is destroyed: the value stays, readers wake, the fence closes", () =>
      Effect.gen(function* () {
        const test = yield* area(address())
        const { consul, prefix, raw } = test
        const key = `${prefix}lock`
        const mine = yield* sessionOf(test, 0)
        yield* consul.acquire(key, "mine", mine)
        const held = yield* lockOf(test)
        const woken = yield* wokenBy(
          raw("GET", `/v1/kv/${key}`, { query: { index: held.modifyIndex, wait: "10s" } }),
          consul.destroySession(mine)
        )
        const free = yield* lockOf(test)
        assert.deepStrictEqual([free.session, utf8(free.value), free.lockIndex], [undefined, "mine", 1])
        assert.isAbove(free.modifyIndex, held.modifyIndex)
        assert.strictEqual(woken.index, free.modifyIndex)
        const late = yield* consul.transaction([
          TxnOp.CheckSession({ key, session: mine }),
          TxnOp.Set({ key: `${prefix}data`, value: "1" })
        ])
        assert.strictEqual(late._tag, "RolledBack")
        const error = yield* Effect.flip(consul.acquire(key, "late", mine))
        assert.strictEqual(error._tag, "Conflict")
      })
    )

    it.scopedLive("takes its key with it when the session's behaviour is delete", () =>
      Effect.gen(function* () {
        const test = yield* area(address())
        const { consul, prefix } = test
        const mine = yield* sessionOf(test, 0, "delete")
        yield* consul.acquire(`${prefix}lock`, "mine", mine)
        yield* consul.acquire(`${prefix}lock2`, "mine", mine)
        const before = yield* consul.list(prefix)
        yield* consul.destroySession(mine)
        const after = yield* consul.list(prefix)
        assert.deepStrictEqual(after.value, [])
        assert.isAbove(after.index, before.index)
      })
    )

    it.scopedLive("is barred for its lock delay after its session was destroyed, in a transaction too", () =>
      Effect.gen(function* () {
        const test = yield* area(address())
        const { consul, prefix } = test
        const key = `${prefix}lock`
        const [mine, other] = [yield* sessionOf(test, "1500 millis"), yield* sessionOf(test, 0)]
        yield* consul.acquire(key, "mine", mine)
        const start = yield* Clock.currentTimeMillis
        yield* consul.destroySession(mine)
        assert.isUndefined((yield* lockOf(test)).session)
        assert.isFalse(yield* consul.acquire(key, "other", other))
        const barred = yield* consul.transaction([TxnOp.Lock({ key, value: "other", session: other })])
        assert.deepStrictEqual(barred, {
          _tag: "RolledBack",
          errors: [{ opIndex: 0, what: `failed to lock key "${key}" due to lock delay`, kind: "stale" }]
        })
        yield* eventually("the delay ends", consul.acquire(key, "other", other), (taken) => taken, 4000)
        assert.isAtLeast((yield* Clock.currentTimeMillis) - start, 1400)
      })
    )

    it.scopedLive("with a delay of 0 is free at once after its session was destroyed", () =>
      Effect.gen(function* () {
        const test = yield* area(address())
        const key = `${test.prefix}lock`
        const [mine, other] = [yield* sessionOf(test, 0), yield* sessionOf(test, 0)]
        yield* test.consul.acquire(key, "mine", mine)
        yield* test.consul.destroySession(mine)
        assert.isTrue(yield* test.consul.acquire(key, "other", other))
      })
    )

    it.scopedLive("is lost with its key", () =>
      Effect.gen(function* () {
        const test = yield* area(address())
        const key = `${test.prefix}lock`
        const [mine, other] = [yield* sessionOf(test, "10 seconds"), yield* sessionOf(test, 0)]
        yield* test.consul.acquire(key, "mine", mine)
        yield* test.consul.delete(key)
        assert.isTrue(yield* test.consul.acquire(key, "other", other))
      })
    )
  })
}
