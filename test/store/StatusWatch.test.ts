import { assert, describe, it } from "@effect/vitest"
import { Context, Duration, Effect, Fiber, Layer, Option, Stream } from "effect"
import { Consul } from "../../src/consul/Consul.ts"
import type { Status } from "../../src/domain/Status.ts"
import { encodeFeed } from "../../src/store/FeedValue.ts"
import { JobArchive } from "../../src/store/JobArchive.ts"
import { JobFinder } from "../../src/store/JobFinder.ts"
import { keysBelow } from "../../src/store/keys.ts"
import { LiveSettings } from "../../src/store/LiveSettings.ts"
import { Statuses } from "../../src/store/Statuses.ts"
import { StatusWatch } from "../../src/store/StatusWatch.ts"
import { statusValue } from "../../src/store/statusValue.ts"
import { refuseRun } from "../../src/domain/run.ts"
import { embeddedConsul } from "../support/embeddedConsul.ts"

const keys = keysBelow("jobforge-service")

const status = (name: string, message: string): Status => ({
  ...refuseRun(name, 1, "", "InvalidSpec", message, [], 0),
  job_id: `run-of-${name}`
})

/**
 * A status watch over an embedded Consul that can be as one whose server was started again: until it has caught up it
 * holds nothing for plain reads; a consistent one it answers once it has.
 */
const scene = Effect.gen(function* () {
  let isBehind = false
  let consistent = 0
  const context = yield* Layer.build(embeddedConsul)
  const consul = Context.get(context, Consul)
  const restarted: Consul["Type"] = {
    ...consul,
    get: (key, options) =>
      Effect.suspend(() => {
        if (options?.consistent === true) {
          consistent += 1
          return Effect.tap(consul.get(key, options), () => {
            isBehind = false
          })
        }
        return isBehind ? Effect.succeedNone : consul.get(key, options)
      }),
    list: (prefix, options) =>
      Effect.map(consul.list(prefix, options), (listed) => (isBehind ? { ...listed, value: [] } : listed))
  }
  const layers = JobFinder.layer(keys).pipe(
    Layer.provideMerge(StatusWatch.layer(keys)),
    Layer.provideMerge(
      Layer.mergeAll(
        JobArchive.layer(keys),
        LiveSettings.layer(keys, {}, () => {}),
        Statuses.layer(keys)
      )
    )
  )
  const built = yield* Layer.build(Layer.provide(layers, Layer.succeed(Consul, restarted)))
  let seq = 0
  const tell = (name: string) =>
    Effect.suspend(() =>
      consul.put(
        keys.feed,
        encodeFeed({ epoch: "one", entries: [{ seq: (seq += 1), name, job_id: `run-of-${name}` }] })
      )
    )
  const write = (name: string, message: string) =>
    Effect.flatMap(consul.put(keys.status(name), statusValue.encode(status(name, message))), () =>
      Effect.map(consul.get(keys.status(name)), (entry) => Option.getOrThrow(entry).modifyIndex)
    )
  yield* tell("nobody")
  return {
    consul,
    finder: Context.get(built, JobFinder),
    watch: Context.get(built, StatusWatch),
    tell,
    write,
    behind: Effect.sync(() => void (isBehind = true)),
    reads: () => consistent
  }
})

describe("who waits for news of a status", () => {
  it.scopedLive("is not told that it is gone by a server that has not caught up", () =>
    Effect.gen(function* () {
      const { behind, tell, watch, write } = yield* scene
      const index = yield* write("a", "first")
      yield* behind
      const looked = yield* watch.newer("a", index, Duration.millis(50))
      assert.strictEqual(looked.modifyIndex, index)

      const waiting = yield* Effect.fork(watch.newer("a", index, Duration.seconds(20)))
      yield* Effect.repeat(watch.waiters, { until: (count) => count === 1 })
      yield* Effect.sleep("50 millis")
      yield* behind
      yield* tell("a")
      yield* Effect.sleep("50 millis")
      assert.isTrue(Option.isNone(yield* Fiber.poll(waiting)))
      const second = yield* write("a", "second")
      yield* tell("a")
      const read = yield* Fiber.join(waiting)
      assert.strictEqual(read.modifyIndex, second)
      assert.strictEqual(Option.getOrThrow(read.status).error, "second")
    })
  )

  it.scopedLive("is told when it is gone, once it has been asked for twice", () =>
    Effect.gen(function* () {
      const { consul, reads, tell, watch, write } = yield* scene
      const index = yield* write("a", "first")
      const waiting = yield* Effect.fork(watch.newer("a", index, Duration.seconds(20)))
      yield* Effect.repeat(watch.waiters, { until: (count) => count === 1 })
      yield* consul.delete(keys.status("a"))
      yield* tell("a")
      assert.strictEqual((yield* Fiber.join(waiting)).modifyIndex, 0)
      assert.isAtLeast(reads(), 1)
      assert.strictEqual((yield* watch.newer("a", index, Duration.seconds(20))).modifyIndex, 0)
    })
  )

  it.scopedLive("follows it past a server that has not caught up", () =>
    Effect.gen(function* () {
      const { behind, tell, watch, write } = yield* scene
      yield* write("a", "first")
      const seen: Array<string | undefined> = []
      const following = yield* watch.follow("a").pipe(
        Stream.take(2),
        Stream.runForEach(({ status: read }) => Effect.sync(() => void seen.push(Option.getOrUndefined(read)?.error))),
        Effect.fork
      )
      yield* Effect.repeat(watch.waiters, { until: (count) => count === 1 })
      yield* behind
      yield* tell("a")
      yield* Effect.sleep("50 millis")
      yield* write("a", "second")
      yield* tell("a")
      yield* Fiber.join(following)
      assert.deepStrictEqual(seen, ["first", "second"])
    })
  )
})

describe("a run's name", () => {
  it.scopedLive("is found on a server that had not caught up when it was asked", () =>
    Effect.gen(function* () {
      const { behind, watch, write } = yield* scene
      yield* write("a", "first")
      yield* behind
      assert.deepStrictEqual(yield* watch.nameOf("run-of-a"), Option.some("a"))
    })
  )
})

describe("a job", () => {
  it.scopedLive("is found on a server that had not caught up, by its record's name and by its run's id", () =>
    Effect.gen(function* () {
      const { behind, finder, write } = yield* scene
      const index = yield* write("a", "first")
      for (const id of ["a", "run-of-a"]) {
        yield* behind
        assert.strictEqual(Option.getOrThrow(yield* finder.find(id)).index, index)
      }
      yield* behind
      assert.deepStrictEqual(yield* finder.find("nothing"), Option.none())
    })
  )
})
