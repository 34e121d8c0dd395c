import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Option, Redacted } from "effect"
import { ActingToken } from "../../src/consul/ActingToken.ts"
import { Consul } from "../../src/consul/Consul.ts"
import { type ApiError, Denied, Unavailable } from "../../src/http/ApiError.ts"
import { makeSharedWrites } from "../../src/store/sharedWrites.ts"
import { embeddedConsul } from "../support/embeddedConsul.ts"

/** Shared writes over an embedded Consul, and what they ask of it. `before` happens to each request, by its number. */
const scene = (before: (request: number) => Effect.Effect<void, ApiError> = () => Effect.void) =>
  Effect.gen(function* () {
    const consul = yield* Consul
    const alone: Array<string> = []
    const together: Array<number> = []
    let requests = 0
    const next = Effect.suspend(() => before(requests++))
    const counted: Consul["Type"] = {
      ...consul,
      putCas: (key, value, index) =>
        Effect.suspend(() => {
          alone.push(key)
          return Effect.zipRight(next, consul.putCas(key, value, index))
        }),
      transaction: (ops, options) =>
        Effect.suspend(() => {
          together.push(ops.length)
          return Effect.zipRight(next, consul.transaction(ops, options))
        })
    }
    const { create, tell } = yield* makeSharedWrites(counted)
    const stored = Effect.map(consul.list("key-"), ({ value }) => value.length)
    return { alone, consul, create, stored, tell, together }
  })

const names = Array.from({ length: 100 }, (_, at) => `key-${at}`)

const all = { concurrency: "unbounded" } as const

/** A first write is on its way until it opens. What happens to the later requests is told by their numbers. */
const busyWith = (later: (request: number) => Effect.Effect<void, ApiError>) =>
  Effect.gen(function* () {
    const gate = yield* Deferred.make<void>()
    const world = yield* scene((request) => (request === 0 ? Deferred.await(gate) : later(request)))
    const first = yield* Effect.fork(world.create("first", "1"))
    yield* Effect.sleep("20 millis")
    const open = Effect.zipRight(Deferred.succeed(gate, undefined), Fiber.join(first))
    return { ...world, open }
  })

const busy = busyWith(() => Effect.void)

describe("writes that many share", () => {
  it.scopedLive("go alone where there is one at a time, and tell a key that was there before", () =>
    Effect.gen(function* () {
      const { alone, consul, create, together } = yield* scene()
      assert.isTrue(yield* create("key-a", "mine"))
      assert.isTrue(yield* create("key-b", "mine"))
      assert.isFalse(yield* create("key-a", "other"))
      assert.deepStrictEqual(alone, ["key-a", "key-b", "key-a"])
      assert.deepStrictEqual(together, [])
      const kept = yield* consul.get("key-a")
      assert.strictEqual(new TextDecoder().decode(Option.getOrThrow(kept).value), "mine")
    }).pipe(Effect.provide(embeddedConsul))
  )

  it.scopedLive("go together when they are asked for while others are on their way", () =>
    Effect.gen(function* () {
      const { alone, create, open, stored, together } = yield* busy
      const many = yield* Effect.fork(Effect.forEach(names, (name) => create(name, name), all))
      yield* Effect.sleep("20 millis")
      assert.deepStrictEqual(together, [])
      yield* open
      assert.deepStrictEqual(new Set(yield* Fiber.join(many)), new Set([true]))
      assert.deepStrictEqual(
        together.toSorted((a, b) => b - a),
        [64, 36]
      )
      assert.deepStrictEqual(alone, ["first"])
      assert.strictEqual(yield* stored, names.length)
    }).pipe(Effect.provide(embeddedConsul))
  )

  it.scopedLive("take no more into one transaction than Consul accepts", () =>
    Effect.gen(function* () {
      const { create, open, stored, together } = yield* busy
      const large = "x".repeat(100_000)
      const many = yield* Effect.fork(Effect.forEach(names.slice(0, 10), (name) => create(name, large), all))
      yield* Effect.sleep("20 millis")
      yield* open
      yield* Fiber.join(many)
      assert.strictEqual(yield* stored, 10)
      assert.isAtLeast(together.length, 2)
    }).pipe(Effect.provide(embeddedConsul))
  )

  it.scopedLive("let nobody suffer from a key that was there before", () =>
    Effect.gen(function* () {
      const { consul, create, open, stored } = yield* busy
      yield* consul.put("key-7", "somebody's")
      const many = yield* Effect.fork(Effect.forEach(names, (name) => create(name, name), all))
      yield* Effect.sleep("20 millis")
      yield* open
      const written = yield* Fiber.join(many)
      assert.deepStrictEqual(
        names.filter((_, at) => written[at] === false),
        ["key-7"]
      )
      assert.strictEqual(yield* stored, names.length)
    }).pipe(Effect.provide(embeddedConsul))
  )

  it.scopedLive("tell each of its own key when Consul is out of reach", () =>
    Effect.gen(function* () {
      const away = new Unavailable({ system: "consul", operation: "txn of 3 on key-0, key-1, key-2", detail: "away" })
      const { alone, create, open, stored } = yield* busyWith(() => Effect.fail(away))
      const many = yield* Effect.fork(Effect.forEach(names.slice(0, 3), (name) => Effect.flip(create(name, name)), all))
      yield* Effect.sleep("20 millis")
      yield* open
      assert.deepStrictEqual(
        (yield* Fiber.join(many)).map((error) => [error._tag, error.operation, error.detail]),
        names.slice(0, 3).map((name) => ["Unavailable", `kv.put ${name}`, "away"])
      )
      // What may have been written is not written again.
      assert.deepStrictEqual(alone, ["first"])
      assert.strictEqual(yield* stored, 0)
    }).pipe(Effect.provide(embeddedConsul))
  )

  it.scopedLive("write each by itself when they are refused together", () =>
    Effect.gen(function* () {
      const refused = new Denied({ system: "consul", operation: "txn", detail: "Permission denied" })
      const { create, open } = yield* busyWith((request) =>
        request === 1 || request === 3 ? Effect.fail(refused) : Effect.void
      )
      const many = yield* Effect.fork(Effect.forEach(names.slice(0, 3), (name) => Effect.exit(create(name, name)), all))
      yield* Effect.sleep("20 millis")
      yield* open
      assert.deepStrictEqual(yield* Fiber.join(many), [Exit.succeed(true), Exit.fail(refused), Exit.succeed(true)])
    }).pipe(Effect.provide(embeddedConsul))
  )

  it.scopedLive("are not begun for whoever has gone", () =>
    Effect.gen(function* () {
      const { create, open, stored, tell } = yield* busy
      let told = 0
      const takeBack = tell("key-told", "", () => Effect.sync(() => void (told += 1)))
      const gone = yield* Effect.fork(create("key-gone", ""))
      const stays = yield* Effect.fork(create("key-stays", ""))
      yield* Effect.sleep("20 millis")
      takeBack()
      yield* Fiber.interrupt(gone)
      yield* open
      assert.isTrue(yield* Fiber.join(stays))
      assert.strictEqual(yield* stored, 1)
      assert.strictEqual(told, 0)
    }).pipe(Effect.provide(embeddedConsul))
  )

  it.scopedLive("wait for no request that gets no answer", () =>
    Effect.gen(function* () {
      const { create, stored } = yield* scene((request) => (request === 0 ? Effect.never : Effect.void))
      yield* Effect.fork(create("first", ""))
      yield* Effect.sleep("20 millis")
      const written = yield* Effect.forEach(names.slice(0, 3), (name) => create(name, ""), all).pipe(
        Effect.timeout("2 seconds")
      )
      assert.deepStrictEqual(written, [true, true, true])
      assert.strictEqual(yield* stored, 3)
    }).pipe(Effect.provide(embeddedConsul))
  )

  it.scopedLive("go on after a bug in what somebody makes of one", () =>
    Effect.gen(function* () {
      const { create, open, tell } = yield* busy
      tell("key-bug", "", () => {
        throw new Error("a bug")
      })
      const others = yield* Effect.fork(Effect.forEach(names.slice(0, 3), (name) => create(name, ""), all))
      yield* Effect.sleep("20 millis")
      yield* open
      assert.deepStrictEqual(yield* Fiber.join(others), [true, true, true])
      assert.isTrue(yield* create("key-later", ""))
    }).pipe(Effect.provide(embeddedConsul))
  )

  it.scopedLive("wait for nobody with a token of one's own", () =>
    Effect.gen(function* () {
      const { alone, create } = yield* busy
      yield* Effect.fork(Effect.provideService(create("key-own", ""), ActingToken, Option.some(Redacted.make("own"))))
      yield* Effect.sleep("50 millis")
      assert.deepStrictEqual(alone, ["first", "key-own"])
    }).pipe(Effect.provide(embeddedConsul))
  )
})
