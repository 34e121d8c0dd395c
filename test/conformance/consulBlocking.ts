import { assert, describe, it } from "@effect/vitest"
import { Chunk, Clock, Effect, Fiber, Option, Stream } from "effect"
import { area, type Area, setAll, utf8, wokenBy } from "./consulArea.ts"

/** A blocking read as the watches send it, with a wait of the test's own. */
const blocking = ({ raw }: Area, path: string, mode: "keys" | "recurse" | "one", index: number, wait = "10s") =>
  raw("GET", `/v1/kv/${path}`, { query: { ...(mode === "one" ? {} : { [mode]: true }), index, wait } })

const timed = <A, E>(effect: Effect.Effect<A, E>) =>
  Effect.gen(function* () {
    const start = yield* Clock.currentTimeMillis
    const value = yield* effect
    return [value, (yield* Clock.currentTimeMillis) - start] as const
  })

export const blockingConformance = (address: () => string): void => {
  describe("a blocking read", () => {
    it.scopedLive("waits its time out, and no more than a sixteenth longer, when nothing changes", () =>
      Effect.gen(function* () {
        const test = yield* area(address())
        yield* test.consul.put(`${test.prefix}a`, "1")
        const { index } = yield* test.consul.list(test.prefix)
        const [answer, took] = yield* timed(blocking(test, test.prefix, "recurse", index, "1600ms"))
        assert.deepStrictEqual([answer.status, answer.index], [200, index])
        assert.isAtLeast(took, 1590)
        // A sixteenth is 100 ms; the rest is the machine's.
        assert.isAtMost(took, 1700 + 1000)
      })
    )

    it.scopedLive("answers at once for index 0 and for an index of the past", () =>
      Effect.gen(function* () {
        const test = yield* area(address())
        yield* test.consul.put(`${test.prefix}a`, "1")
        const { index } = yield* test.consul.list(test.prefix)
        for (const past of [0, 1, index - 1]) {
          const [answer, took] = yield* timed(blocking(test, test.prefix, "keys", past))
          assert.strictEqual(answer.index, index)
          assert.isBelow(took, 2000)
        }
      })
    )

    it.scopedLive("waits for an index of the future, and then tells the present one", () =>
      Effect.gen(function* () {
        const test = yield* area(address())
        yield* test.consul.put(`${test.prefix}a`, "1")
        const { index } = yield* test.consul.list(test.prefix)
        const [answer, took] = yield* timed(blocking(test, test.prefix, "keys", index + 1_000_000, "300ms"))
        assert.isAtLeast(took, 290)
        assert.strictEqual(answer.index, index)
      })
    )

    for (const mode of ["keys", "recurse"] as const) {
      it.scopedLive(`of a prefix (${mode}) wakes for a new key, a changed value and a deletion`, () =>
        Effect.gen(function* () {
          const test = yield* area(address())
          const { consul, prefix } = test
          yield* consul.put(`${prefix}a`, "1")
          let { index } = yield* consul.list(prefix)
          const changes = [
            consul.put(`${prefix}b`, "1"),
            consul.put(`${prefix}b`, "2"),
            consul.delete(`${prefix}b`),
            consul.deleteTree(`${prefix}a`)
          ]
          const seen: Array<readonly [number, number]> = []
          for (const change of changes) {
            const [answer, took] = yield* timed(wokenBy(blocking(test, prefix, mode, index), change))
            assert.isBelow(took, 3000)
            assert.isAbove(answer.index, index)
            index = answer.index
            seen.push([answer.status, answer.text.split(prefix).length - 1])
          }
          assert.deepStrictEqual(seen, [
            [200, 2],
            [200, 2],
            [200, 1],
            [404, 0]
          ])
        })
      )
    }

    it.scopedLive("of an empty prefix wakes for its first key", () =>
      Effect.gen(function* () {
        const test = yield* area(address())
        yield* test.consul.put(`${test.prefix}a`, "1")
        yield* test.consul.delete(`${test.prefix}a`)
        const { index } = yield* test.consul.list(test.prefix)
        const answer = yield* wokenBy(
          blocking(test, test.prefix, "keys", index),
          test.consul.put(`${test.prefix}a`, "1")
        )
        assert.strictEqual(answer.status, 200)
        assert.isAbove(answer.index, index)
      })
    )

    it.scopedLive("sleeps through what happens elsewhere and through a value that is written again", () =>
      Effect.gen(function* () {
        const test = yield* area(address())
        const { consul, prefix } = test
        yield* consul.put(`${prefix}in/a`, "1")
        const { index } = yield* consul.list(`${prefix}in/`)
        const others = Effect.all([
          consul.put(`${prefix}out`, "1"),
          consul.put(`${prefix}in`, "1"),
          consul.put(`${prefix}in/a`, "1"),
          consul.delete(`${prefix}in/none`)
        ])
        const [answer, took] = yield* timed(wokenBy(blocking(test, `${prefix}in/`, "recurse", index, "1s"), others))
        assert.strictEqual(answer.index, index)
        assert.isAtLeast(took, 990)
      })
    )

    it.scopedLive("of one key wakes when it comes, changes and goes", () =>
      Effect.gen(function* () {
        const test = yield* area(address())
        const { consul, prefix } = test
        const key = `${prefix}one`
        const { index } = yield* test.raw("GET", `/v1/kv/${key}`)
        // A missing key has the whole store's index, so that other tests' changes wake its reader too.
        const present = Effect.iterate(
          { status: 404, index },
          {
            while: ({ status }) => status === 404,
            body: (last) => blocking(test, key, "one", last.index)
          }
        )
        const created = yield* wokenBy(present, consul.put(key, "1"))
        const changed = yield* wokenBy(blocking(test, key, "one", created.index), consul.put(key, "2"))
        const deleted = yield* wokenBy(blocking(test, key, "one", changed.index), consul.delete(key))
        assert.deepStrictEqual([created.status, changed.status, deleted.status], [200, 200, 404])
        assert.isAbove(changed.index, created.index)
        assert.isAbove(deleted.index, changed.index)
      })
    )

    it.scopedLive("wakes for a transaction once, with all that it did", () =>
      Effect.gen(function* () {
        const test = yield* area(address())
        const { consul, prefix } = test
        yield* consul.put(`${prefix}a`, "1")
        const { index } = yield* consul.list(prefix)
        const body = setAll(["b", "c", "d"].map((name) => prefix + name))
        const answer = yield* wokenBy(blocking(test, prefix, "keys", index), test.raw("PUT", "/v1/txn", { body }))
        assert.strictEqual(answer.text.split(prefix).length - 1, 4)
      })
    )
  })

  describe("a watch", () => {
    it.scopedLive("follows names, values and a single key", () =>
      Effect.gen(function* () {
        const { consul, prefix } = yield* area(address())
        const key = `${prefix}a`
        yield* consul.put(key, "1")
        const names = yield* Effect.fork(
          Stream.runCollect(Stream.takeUntil(consul.watchKeys(prefix), ({ value }) => value.length === 0))
        )
        const values = yield* Effect.fork(
          Stream.runCollect(Stream.takeUntil(consul.watchList(prefix), ({ value }) => value.length === 0))
        )
        const single = yield* Effect.fork(
          Stream.runCollect(Stream.takeUntil(consul.watchKey(key), ({ value }) => Option.isNone(value)))
        )
        yield* Effect.sleep("300 millis")
        yield* consul.put(key, "2")
        yield* Effect.sleep("300 millis")
        yield* consul.delete(key)
        assert.deepStrictEqual(
          Chunk.toReadonlyArray(yield* Fiber.join(names)).map(({ value }) => value),
          [[key], [key], []]
        )
        assert.deepStrictEqual(
          Chunk.toReadonlyArray(yield* Fiber.join(values)).map(({ value }) => value.map((entry) => utf8(entry.value))),
          [["1"], ["2"], []]
        )
        assert.deepStrictEqual(
          Chunk.toReadonlyArray(yield* Fiber.join(single)).map(({ value }) => Option.isSome(value)),
          [true, true, false]
        )
      })
    )
  })
}
