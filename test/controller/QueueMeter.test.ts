import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Layer, TestClock } from "effect"
import { makeWorkQueue, type Requeue } from "../../src/controller/WorkQueue.ts"
import { Exposition } from "../../src/metrics/Exposition.ts"
import { Progress } from "../../src/metrics/Progress.ts"
import { makeWatchdog, Watchdog } from "../../src/metrics/Watchdog.ts"
import { parseExposition, valueOf } from "../metrics/parseExposition.ts"

const watched = Layer.sync(Watchdog, () => makeWatchdog(Effect.succeed(20_000)))

const troubles = Effect.flatMap(Watchdog, (dog) => dog.troubles)

const queueOf = (reconcile: (key: string) => Effect.Effect<Requeue, string>, concurrency: number) =>
  makeWorkQueue({ reconcile, concurrency, backoff: () => Duration.seconds(1) })

describe("QueueMeter", () => {
  it.scoped("finds a pass that waits for an answer that never comes, and is content once it has come", () =>
    Effect.gen(function* () {
      const answer = yield* Deferred.make<void>()
      const queue = yield* queueOf(() => Effect.as(Deferred.await(answer), "when-notified"), 2)
      yield* queue.add("web")
      yield* TestClock.adjust("20 seconds")
      assert.deepStrictEqual(yield* troubles, [])
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(yield* troubles, ["1 of 2 workers wait for an answer, for 25s over web"])
      yield* Deferred.succeed(answer, undefined)
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(yield* troubles, [])
    }).pipe(Effect.provide(watched))
  )

  it.scoped("lets a pass take its time that gets one answer after the other", () =>
    Effect.gen(function* () {
      const step = Effect.sleep("15 seconds").pipe(
        Effect.zipRight(Effect.flatMap(Progress, ({ touch }) => Effect.sync(touch)))
      )
      const queue = yield* queueOf(() => Effect.as(Effect.repeatN(step, 9), "when-notified"), 1)
      yield* queue.add("web")
      // What waits behind it isn't stuck either: the one before it gets on.
      for (let seconds = 0; seconds < 150; seconds += 5) {
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual(yield* troubles, [])
      }
    }).pipe(Effect.provide(watched))
  )

  it.scoped("finds keys that no worker takes, however short they waited alone", () =>
    Effect.gen(function* () {
      const queue = yield* queueOf(() => Effect.as(Effect.sleep("1 second"), "when-notified"), 0)
      yield* queue.add("web")
      yield* TestClock.adjust("21 seconds")
      assert.deepStrictEqual(yield* troubles, ["1 records wait and no worker takes them"])
    }).pipe(Effect.provide(watched))
  )

  it.scoped("doesn't take a long queue for an illness", () =>
    Effect.gen(function* () {
      const queue = yield* queueOf(() => Effect.as(Effect.sleep("5 seconds"), "when-notified"), 1)
      yield* Effect.forEach(
        Array.from({ length: 50 }, (_, n) => `job-${n}`),
        queue.add
      )
      for (let rounds = 0; rounds < 40; rounds++) {
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual(yield* troubles, [])
      }
    }).pipe(Effect.provide(watched))
  )

  it.effect("tells passes by result, and how long keys waited and were worked on", () =>
    Effect.gen(function* () {
      const { render } = yield* Exposition
      const read = Effect.map(render("prometheus"), (text) => parseExposition(text, "prometheus"))
      yield* Effect.scoped(
        Effect.gen(function* () {
          const queue = yield* queueOf((key) => {
            const result: Effect.Effect<Requeue, string> =
              key === "bad" ? Effect.fail("no") : key === "bug" ? Effect.die("a bug") : Effect.succeed("when-notified")
            return Effect.zipRight(Effect.sleep("3 seconds"), result)
          }, 1)
          yield* Effect.forEach(["bad", "bug", "good", "late"], queue.add)
          yield* TestClock.adjust("10 seconds")
          const during = yield* read
          assert.strictEqual(valueOf(during, "workqueue_depth", {}), 2)
          assert.strictEqual(valueOf(during, "controller_runtime_active_workers", {}), 1)
          assert.strictEqual(valueOf(during, "controller_runtime_max_concurrent_reconciles", {}), 1)
          assert.strictEqual(valueOf(during, "workqueue_longest_running_processor_seconds", {}), 1)
          assert.strictEqual(valueOf(during, "workqueue_adds_total", {}), 6)
        })
      )
      const found = yield* read
      const passes = (result: string) => valueOf(found, "controller_runtime_reconcile_total", { result })
      assert.deepStrictEqual([passes("success"), passes("error"), passes("requeue_after")], [1, 2, 0])
      assert.strictEqual(valueOf(found, "controller_runtime_reconcile_errors_total", {}), 2)
      assert.strictEqual(valueOf(found, "controller_runtime_reconcile_panics_total", {}), 1)
      assert.strictEqual(valueOf(found, "workqueue_retries_total", {}), 2)
      const waited = "workqueue_queue_duration_seconds"
      // At 0, 3, 6 and 9 s: the fourth is the one that came last.
      assert.strictEqual(valueOf(found, waited, {}, `${waited}_sum`), 18)
      assert.strictEqual(valueOf(found, waited, {}, `${waited}_count`), 4)
      assert.strictEqual(valueOf(found, "workqueue_depth", {}), 0)
      assert.strictEqual(valueOf(found, "controller_runtime_max_concurrent_reconciles", {}), 0)
    }).pipe(Effect.provide(Exposition.layer({ owners: 2, process: false })))
  )
})
