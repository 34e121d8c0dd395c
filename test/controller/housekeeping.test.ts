import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, Ref, TestClock } from "effect"
import { housekeeping } from "../../src/controller/housekeeping.ts"
import { Unavailable } from "../../src/http/ApiError.ts"
import { JobArchive } from "../../src/store/JobArchive.ts"
import { LogArchive } from "../../src/store/LogArchive.ts"
import { LogRetention } from "../../src/store/LogRetention.ts"
import { readSettings } from "../../src/store/Settings.ts"

/** The stores' own work is tested with them: here it counts when they are asked. */
const bench = Effect.gen(function* () {
  const written = yield* Ref.make(0)
  const pruned = yield* Ref.make<ReadonlyArray<number>>([])
  const settings = yield* Ref.make(readSettings({}, {}).settings)
  const unused = Effect.die("not asked for")
  const down = new Unavailable({ system: "consul", operation: "list", detail: "no leader" })
  const services = Layer.mergeAll(
    Layer.succeed(LogArchive, {
      write: () => unused,
      read: () => unused,
      find: () => unused,
      written: Ref.get(written)
    }),
    Layer.succeed(LogRetention, {
      prune: ({ logBytes }) =>
        Effect.as(
          Ref.update(pruned, (so) => [...so, logBytes / 1024 / 1024]),
          { deleted: 1, kept: 0 }
        ),
      adoptStrays: () => Effect.fail(down)
    }),
    Layer.succeed(JobArchive, {
      get: () => unused,
      list: () => unused,
      index: unused,
      matching: () => unused,
      put: () => unused,
      adopt: () => unused,
      restore: () => unused,
      prune: () => Effect.fail(down)
    })
  )
  const lease = { fence: Option.none(), lost: Effect.never }
  yield* Effect.forkScoped(Effect.provide(housekeeping(Ref.get(settings), lease), services))
  return { written, settings, pruned: Ref.get(pruned) }
})

describe("housekeeping", () => {
  it.scoped("tidies at once, then every ten minutes, whatever fails", () =>
    Effect.gen(function* () {
      const { pruned } = yield* bench
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* pruned, [512])
      yield* TestClock.adjust("9 minutes")
      assert.deepStrictEqual(yield* pruned, [512])
      yield* TestClock.adjust("2 minutes")
      assert.deepStrictEqual(yield* pruned, [512, 512])
    })
  )

  it.scoped("tidies as soon as the logs may have reached their bound, or the bound moved", () =>
    Effect.gen(function* () {
      const { pruned, settings, written } = yield* bench
      yield* TestClock.adjust("1 second")
      yield* Ref.set(written, 10 * 1024 * 1024)
      yield* TestClock.adjust("20 seconds")
      assert.lengthOf(yield* pruned, 1)
      yield* Ref.set(written, 17 * 1024 * 1024)
      yield* TestClock.adjust("10 seconds")
      assert.lengthOf(yield* pruned, 2)
      yield* Ref.set(settings, readSettings({}, { "logs/archive_limit_mb": "64" }).settings)
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(yield* pruned, [512, 512, 64])
      yield* TestClock.adjust("1 minute")
      assert.lengthOf(yield* pruned, 3)
    })
  )
})
