import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Option, Stream } from "effect"
import { Consul, type KvEntry } from "../../src/consul/Consul.ts"
import { type ApiError, Unavailable } from "../../src/http/ApiError.ts"
import { keysBelow } from "../../src/store/keys.ts"
import { Records } from "../../src/store/Records.ts"
import { embeddedConsul } from "../support/embeddedConsul.ts"
import { eventually } from "../support/eventually.ts"
import { minimal } from "../support/world.ts"

const keys = keysBelow("jobforge-service")
const record = JSON.stringify(minimal)

/** What happens to the next read of a single key, and of all values, once Consul has answered it. */
interface Trouble {
  get: Effect.Effect<void, ApiError>
  list: Effect.Effect<void>
  /** What every read of that key finds instead. */
  restored?: KvEntry
}

const troubled = (trouble: Trouble): Layer.Layer<Consul> =>
  Layer.effect(
    Consul,
    Effect.map(Consul, (consul) => ({
      ...consul,
      get: (key: string, options?: { readonly consistent?: boolean }) =>
        Effect.tap(
          Effect.map(consul.get(key, options), (found) =>
            key === trouble.restored?.key ? Option.some(trouble.restored) : found
          ),
          () => Effect.suspend(() => trouble.get)
        ),
      list: (prefix: string) =>
        Effect.tap(
          Effect.map(consul.list(prefix), ({ index, value }) => ({
            index,
            value: value.map((entry) => (entry.key === trouble.restored?.key ? trouble.restored : entry))
          })),
          () => Effect.suspend(() => trouble.list)
        )
    }))
  ).pipe(Layer.provide(embeddedConsul))

const named = (records: Records["Type"], ...names: ReadonlyArray<string>) =>
  eventually(
    `the records are ${names.join(", ")}`,
    Effect.sync(() => records.names().toSorted().join() === names.join())
  )

const test = (
  title: string,
  story: (world: {
    trouble: Trouble
    consul: Consul["Type"]
    records: Records["Type"]
  }) => Effect.Effect<void, ApiError>
) =>
  it.live(title, () => {
    const trouble: Trouble = { get: Effect.void, list: Effect.void }
    return Effect.gen(function* () {
      const consul = yield* Consul
      yield* consul.put(`${keys.jobs}a`, record)
      yield* consul.put(`${keys.jobs}b`, record)
      const records = yield* Records
      yield* records.changes
      yield* records.ready
      yield* named(records, "a", "b")
      yield* story({ trouble, consul, records })
    }).pipe(Effect.provide(Layer.provideMerge(Records.layer(keys), troubled(trouble))), Effect.scoped)
  })

/** Fails the next read, and only that. */
const failOnce = (trouble: Trouble): void => {
  trouble.get = Effect.suspend(() => {
    trouble.get = Effect.void
    return new Unavailable({ system: "consul", operation: "kv.get", detail: "No cluster leader" })
  })
}

describe("Records, when Consul falters once and then nothing else changes", () => {
  test("notice a deletion whose confirmation failed", ({ consul, records, trouble }) =>
    Effect.gen(function* () {
      failOnce(trouble)
      yield* consul.delete(`${keys.jobs}b`)
      yield* named(records, "a")
    }))

  test("notice a new record whose fetch failed", ({ consul, records, trouble }) =>
    Effect.gen(function* () {
      failOnce(trouble)
      yield* consul.put(`${keys.jobs}c`, record)
      yield* named(records, "a", "b", "c")
    }))

  test("follow a Consul that was restored to what it held earlier", ({ consul, records, trouble }) =>
    Effect.gen(function* () {
      const earlier = Option.getOrThrow(yield* consul.get(`${keys.jobs}a`))
      const owner = () => Option.map(records.get("a"), ({ view }) => view._tag === "Valid" && view.desired.job.owner)
      yield* consul.put(`${keys.jobs}a`, record.replace("me", "you"))
      yield* eventually(
        "the change is seen",
        Effect.sync(() => Option.contains(owner(), "you"))
      )
      trouble.restored = earlier
      yield* consul.put(`${keys.jobs}c`, record)
      yield* eventually(
        "the earlier record is seen",
        Effect.sync(() => Option.contains(owner(), "me"))
      )
    }))

  test("bring nothing back by a read that was overtaken by a deletion", ({ consul, records, trouble }) =>
    Effect.gen(function* () {
      trouble.list = Effect.sleep("300 millis")
      yield* consul.put(`${keys.jobs}a`, record.replace("me", "you"))
      yield* Effect.sleep("50 millis")
      yield* consul.delete(`${keys.jobs}b`)
      yield* named(records, "a")
      yield* Effect.sleep("1 second")
      assert.deepStrictEqual([...records.names()], ["a"])
    }))
})

describe("Records", () => {
  it.live("are followed at leisure while nobody listens to changes, and as they come from when somebody does", () => {
    let fetches = 0
    const counted = Layer.effect(
      Consul,
      Effect.map(Consul, (consul) => ({
        ...consul,
        get: (...asked: Parameters<Consul["Type"]["get"]>) =>
          Effect.suspend(() => {
            fetches += 1
            return consul.get(...asked)
          }),
        transaction: (...asked: Parameters<Consul["Type"]["transaction"]>) =>
          Effect.suspend(() => {
            fetches += 1
            return consul.transaction(...asked)
          })
      }))
    ).pipe(Layer.provide(embeddedConsul))
    return Effect.gen(function* () {
      const consul = yield* Consul
      const records = yield* Records
      yield* records.ready
      const put = (name: string) =>
        Effect.zipRight(consul.put(`${keys.jobs}${name}`, record), Effect.sleep("20 millis"))
      const batch = (letter: string) => Array.from({ length: 30 }, (_, at) => `${letter}${String(at).padStart(2, "0")}`)
      yield* Effect.forEach(batch("a"), put, { discard: true })
      yield* named(records, ...batch("a"))
      assert.isAtMost(fetches, 10)
      fetches = 0
      const told: Array<string> = []
      const changes = yield* records.changes
      yield* Effect.forkScoped(Stream.runForEach(changes, (name) => Effect.sync(() => told.push(name))))
      yield* Effect.forEach(batch("b"), put, { discard: true })
      yield* named(records, ...batch("a"), ...batch("b"))
      assert.isAtLeast(fetches, 15)
      assert.includeMembers(told, batch("b"))
    }).pipe(Effect.provide(Layer.provideMerge(Records.layer(keys), counted)), Effect.scoped)
  })

  it.live("are as they are when somebody begins to listen, whatever happened while nobody did", () =>
    Effect.gen(function* () {
      const consul = yield* Consul
      yield* Effect.forEach(["changed", "deleted"], (name) => consul.put(`${keys.jobs}${name}`, record))
      const records = yield* Effect.map(Layer.build(Records.layer(keys)), (built) => Context.get(built, Records))
      yield* records.ready
      // The first look is over; the next one is not due.
      yield* Effect.sleep("500 millis")
      yield* consul.put(`${keys.jobs}changed`, record.replace("me", "you"))
      yield* consul.put(`${keys.jobs}new`, record)
      yield* consul.delete(`${keys.jobs}deleted`)
      yield* Effect.sleep("500 millis")
      assert.deepStrictEqual(records.names().toSorted(), ["changed", "deleted"])
      yield* records.changes
      assert.deepStrictEqual(records.names().toSorted(), ["changed", "new"])
      const { view } = Option.getOrThrow(records.get("changed"))
      assert.strictEqual(view._tag === "Valid" ? view.desired.job.owner : undefined, "you")
    }).pipe(Effect.provide(embeddedConsul), Effect.scoped)
  )
})
