import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, Redacted } from "effect"
import { ActingToken } from "../../src/consul/ActingToken.ts"
import { Consul } from "../../src/consul/Consul.ts"
import { JobArchive } from "../../src/store/JobArchive.ts"
import { archived, ended, keys, none, tester, uuid } from "./archivedJobs.ts"

describe("the archived jobs that a list is narrowed to", () => {
  it.scopedLive("are found by reading each job once, many to a request", () =>
    Effect.gen(function* () {
      const consul = yield* Consul
      let requests = 0
      const counted = Layer.succeed(Consul, {
        ...consul,
        transaction: (ops, options) =>
          Effect.suspend(() => {
            requests += 1
            return consul.transaction(ops, options)
          })
      })
      for (let number = 0; number < 40; number++) {
        yield* archived(ended(uuid(number), number * 1000, number % 10 === 0 ? { status: "FAILED" } : {}))
      }
      yield* consul.put(keys.archived(uuid(20)), "damaged")
      const look = Effect.gen(function* () {
        const archive = yield* JobArchive
        const failed = Effect.gen(function* () {
          const found = yield* archive.matching(yield* archive.index, ({ status }) => status === "FAILED")
          return found.map(({ name }) => name)
        })
        assert.deepStrictEqual(yield* failed, [30, 10, 0].map(uuid))
        assert.strictEqual(requests, 3)
        // What can't be read is tried again, and what is new is read.
        yield* archived(ended(uuid(50), 50_000, { status: "FAILED" }))
        yield* consul.delete(keys.archived(uuid(20)))
        requests = 0
        assert.deepStrictEqual(yield* failed, [50, 30, 10, 0].map(uuid))
        assert.isAtMost(requests, 2)
        yield* archive.prune({ historyAge: 1, historyMax: 0 }, none, 1_000_000_000)
        assert.deepStrictEqual(yield* failed, [])
      })
      yield* Effect.provide(look, JobArchive.layer(keys).pipe(Layer.provide(counted)))
    }).pipe(Effect.provide(tester))
  )

  it.scopedLive("are read anew for a caller with a token of its own", () =>
    Effect.gen(function* () {
      const archive = yield* JobArchive
      yield* archived(ended(uuid(1), 1000))
      const refs = yield* archive.index
      const all = archive.matching(refs, () => true)
      assert.lengthOf(yield* all, 1)
      const own = Effect.provideService(all, ActingToken, Option.some(Redacted.make("a token")))
      assert.lengthOf(yield* own, 1)
      yield* (yield* Consul).put(keys.archived(uuid(1)), "damaged")
      assert.lengthOf(yield* own, 0)
    }).pipe(Effect.provide(tester))
  )
})
