import { assert, describe, it } from "@effect/vitest"
import { Cause, Deferred, Effect, Exit, Fiber, Option, Redacted } from "effect"
import { ActingToken } from "../../src/consul/ActingToken.ts"
import { Consul } from "../../src/consul/Consul.ts"
import { type ApiError, Denied } from "../../src/http/ApiError.ts"
import { makeSharedReads } from "../../src/store/sharedReads.ts"
import { embeddedConsul } from "../support/embeddedConsul.ts"

interface Text {
  readonly text: string
  readonly modifyIndex: number
}

/** Shared reads of plain texts over an embedded Consul, and what they ask of it. */
const scene = (before: (name: string) => Effect.Effect<void, ApiError> = () => Effect.void) =>
  Effect.gen(function* () {
    const consul = yield* Consul
    const reads: Array<string> = []
    const checks: Array<number> = []
    const counted: Consul["Type"] = {
      ...consul,
      transaction: (ops, options) =>
        Effect.suspend(() => {
          checks.push(ops.length)
          return consul.transaction(ops, options)
        })
    }
    const read = Effect.fnUntraced(function* (name: string) {
      reads.push(name)
      const entry = yield* consul.get(name)
      // What is read is what was there before whatever happens while the answer is on its way.
      yield* before(name)
      return Option.match(entry, {
        onNone: (): Text => ({ text: "", modifyIndex: 0 }),
        onSome: ({ modifyIndex, value }): Text => ({ text: new TextDecoder().decode(value), modifyIndex })
      })
    })
    const { latest, tell } = yield* makeSharedReads(counted, { keyOf: (name) => name, read })
    return { consul, reads, checks, latest, tell }
  })

const names = Array.from({ length: 40 }, (_, at) => `key-${at}`)

const all = { concurrency: "unbounded" } as const

describe("reads that many share", () => {
  it.scopedLive("read a key once for all that ask while another look is under way, and never too early for any", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      let looks = 0
      const { consul, latest, reads } = yield* scene(() => (looks++ === 0 ? Deferred.await(gate) : Effect.void))
      yield* consul.put("key", "old")
      const early = yield* Effect.fork(Effect.all([latest("key"), latest("key")], all))
      yield* Effect.sleep("50 millis")
      // A look is under way now, at what was there before.
      const other = yield* Effect.fork(latest("other"))
      yield* Effect.sleep("50 millis")
      yield* consul.put("key", "new")
      const late = yield* Effect.fork(
        Effect.all(
          Array.from({ length: 100 }, () => latest("key")),
          all
        )
      )
      yield* Effect.sleep("50 millis")
      assert.deepStrictEqual(reads, ["key"])
      yield* Deferred.succeed(gate, undefined)
      assert.deepStrictEqual(
        (yield* Fiber.join(early)).map(({ text }) => text),
        ["old", "old"]
      )
      assert.deepStrictEqual(new Set((yield* Fiber.join(late)).map(({ text }) => text)), new Set(["new"]))
      assert.deepStrictEqual(reads, ["key", "other", "key"])
      assert.strictEqual((yield* Fiber.join(other)).modifyIndex, 0)
    }).pipe(Effect.provide(embeddedConsul))
  )

  it.scopedLive("ask for what they know only whether it changed, and show each change at once", () =>
    Effect.gen(function* () {
      const { checks, consul, latest, reads } = yield* scene()
      const ask = Effect.map(Effect.forEach(names, latest, all), (found) => found.map(({ text }) => text))
      yield* Effect.forEach(names, (name) => consul.put(name, "1"))
      assert.deepStrictEqual(new Set(yield* ask), new Set(["1"]))
      reads.length = 0
      assert.deepStrictEqual(new Set(yield* ask), new Set(["1"]))
      assert.deepStrictEqual(reads, [])
      assert.strictEqual(
        checks.reduce((sum, count) => sum + count, 0),
        names.length
      )
      assert.isAtMost(checks.length, 4)

      yield* consul.put("key-7", "2")
      yield* consul.delete("key-8")
      const seen = yield* ask
      assert.deepStrictEqual([seen[6], seen[7], seen[8], seen[9]], ["1", "2", "", "1"])
      yield* consul.put("key-8", "3")
      assert.strictEqual((yield* ask)[8], "3")
    }).pipe(Effect.provide(embeddedConsul))
  )

  it.scopedLive("wait for no reading that gets no answer", () =>
    Effect.gen(function* () {
      const { consul, latest } = yield* scene((name) => (name === "stuck" ? Effect.never : Effect.void))
      yield* consul.put("key", "1")
      yield* Effect.fork(latest("stuck"))
      yield* Effect.sleep("20 millis")
      assert.strictEqual((yield* Effect.timeout(latest("key"), "2 seconds")).text, "1")
    }).pipe(Effect.provide(embeddedConsul))
  )

  it.scopedLive("fail for the key alone that can't be read, and for it anew each time", () =>
    Effect.gen(function* () {
      let isDenied = false
      const { consul, latest } = yield* scene((name) =>
        isDenied && name === "key-3"
          ? Effect.fail(new Denied({ system: "consul", operation: "kv.get key-3", detail: "no" }))
          : Effect.void
      )
      yield* Effect.forEach(names, (name) => consul.put(name, "1"))
      const ask = Effect.forEach(names, (name) => Effect.either(latest(name)), all)
      yield* ask
      isDenied = true
      yield* consul.put("key-3", "2")
      const seen = yield* ask
      assert.deepStrictEqual(
        seen.flatMap(({ _tag }, at) => (_tag === "Left" ? [at] : [])),
        [3]
      )
      isDenied = false
      assert.strictEqual((yield* latest("key-3")).text, "2")
    }).pipe(Effect.provide(embeddedConsul))
  )

  it.scopedLive("tell those who ask without a fiber the same, each of them once, and why they can't", () =>
    Effect.gen(function* () {
      const { consul, latest, reads, tell } = yield* scene((name) =>
        name === "key-3"
          ? Effect.fail(new Denied({ system: "consul", operation: "kv.get key-3", detail: "no" }))
          : Effect.void
      )
      yield* Effect.forEach(names, (name) => consul.put(name, name))
      const asked = (name: string) =>
        Effect.async<Exit.Exit<Text, ApiError>>((resume) => tell(name, (told) => resume(Effect.succeed(told))))
      const [first, second, refused, other] = yield* Effect.all(
        [asked("key-1"), asked("key-1"), asked("key-3"), latest("key-1")],
        all
      )
      assert.deepStrictEqual([first, second], [Exit.succeed(other), Exit.succeed(other)])
      assert.strictEqual(other.text, "key-1")
      assert.strictEqual(Exit.isFailure(refused) && Cause.squash(refused.cause) instanceof Denied, true)
      assert.lengthOf(
        reads.filter((name) => name === "key-1"),
        1
      )
    }).pipe(Effect.provide(embeddedConsul))
  )

  it.scopedLive("are not for callers with a token of their own", () =>
    Effect.gen(function* () {
      const { consul, latest, reads } = yield* scene()
      yield* consul.put("key", "1")
      yield* Effect.all([latest("key"), latest("key"), latest("key")], all).pipe(
        Effect.provideService(ActingToken, Option.some(Redacted.make("a token")))
      )
      assert.lengthOf(reads, 3)
    }).pipe(Effect.provide(embeddedConsul))
  )
})
