import { Cause, Duration, Effect, Exit, Option, type Scope } from "effect"
import { family, ofController, ofQueue } from "../metrics/families.ts"
import { Metrics, type Recorder } from "../metrics/Metrics.ts"
import { type Check, Watchdog } from "../metrics/Watchdog.ts"

/** When a pass that went well wants the next one. */
type Next = Duration.Duration | "when-notified"

/** What a work queue tells of itself, to metrics and to whoever asks whether it still works. */
export interface QueueMeter {
  /** A key stands in a lane. That it moves to the other one is no second wait. */
  readonly queued: (key: string) => void
  /** Answers with what the pass is to call whenever it gets on. */
  readonly began: (key: string) => () => void
  readonly ended: (key: string, exit: Exit.Exit<Next, unknown>) => void
  /** Whether the queue is stuck. */
  readonly check: Check
}

interface Pass {
  readonly began: number
  /** When it last got an answer from outside. */
  progress: number
}

/**
 * The queue is stuck when one of its passes waits for an answer for too long, however long the pass itself takes, or when
 * keys wait and no worker takes them. A long queue alone is no illness.
 */
export const makeQueueMeter = Effect.fnUntraced(function* (
  workers: number
): Effect.fn.Return<QueueMeter, never, Scope.Scope> {
  const clock = yield* Effect.clock
  const metrics = yield* Metrics
  const watchdog = yield* Watchdog
  // In the order in which they came, since a key that has left comes in anew.
  const waiting = new Map<string, number>()
  const passes = new Map<string, Pass>()
  let taken = clock.unsafeCurrentTimeMillis()

  const ages = (of: (pass: Pass) => number): ReadonlyArray<number> => {
    const now = clock.unsafeCurrentTimeMillis()
    return Array.from(passes.values(), (pass) => now - of(pass))
  }

  const check: Check = (patience) =>
    Effect.sync(() => {
      const now = clock.unsafeCurrentTimeMillis()
      const stuck = [...passes].filter(([, { progress }]) => now - progress > patience)
      const [first] = stuck
      if (first !== undefined) {
        const since = Duration.format(Duration.millis(now - first[1].progress))
        return Option.some(`${stuck.length} of ${workers} workers wait for an answer, for ${since} over ${first[0]}`)
      }
      // A key that came just now may have to wait for its turn.
      const [oldest = now] = waiting.values()
      return now - Math.max(oldest, taken) > patience
        ? Option.some(`${waiting.size} records wait and no worker takes them`)
        : Option.none()
    })
  yield* watchdog.watch(check)

  yield* metrics.beforeScrape(
    Effect.sync(() => {
      const running = ages(({ began }) => began)
      metrics.set(family.queueDepth, ofQueue, waiting.size)
      metrics.set(family.activeWorkers, ofController, passes.size)
      metrics.set(family.unfinishedWork, ofQueue, running.reduce((sum, age) => sum + age, 0) / 1000)
      metrics.set(family.longestWork, ofQueue, Math.max(0, ...running) / 1000)
    })
  )
  metrics.set(family.maxWorkers, ofController, workers)
  yield* Effect.addFinalizer(() => Effect.sync(() => atRest(metrics)))

  return {
    check,
    queued: (key) => {
      if (waiting.has(key)) return
      waiting.set(key, clock.unsafeCurrentTimeMillis())
      metrics.add(family.queueAdds, ofQueue)
    },
    began: (key) => {
      const now = clock.unsafeCurrentTimeMillis()
      metrics.observe(family.queueTime, ofQueue, (now - (waiting.get(key) ?? now)) / 1000)
      waiting.delete(key)
      taken = now
      const pass: Pass = { began: now, progress: now }
      passes.set(key, pass)
      return () => {
        pass.progress = clock.unsafeCurrentTimeMillis()
      }
    },
    ended: (key, exit) => {
      const seconds = (clock.unsafeCurrentTimeMillis() - (passes.get(key)?.began ?? 0)) / 1000
      passes.delete(key)
      metrics.observe(family.reconcileTime, ofController, seconds)
      metrics.observe(family.workTime, ofQueue, seconds)
      metrics.add(family.reconciles, { ...ofController, result: resultOf(exit) })
      if (Exit.isSuccess(exit)) return
      metrics.add(family.reconcileErrors, ofController)
      metrics.add(family.queueRetries, ofQueue)
      if (Cause.isDie(exit.cause)) metrics.add(family.reconcilePanics, ofController)
    }
  }
})

/** A replica that leads no more has no queue. */
const atRest = (metrics: Recorder): void => {
  metrics.set(family.queueDepth, ofQueue, 0)
  metrics.set(family.activeWorkers, ofController, 0)
  metrics.set(family.maxWorkers, ofController, 0)
  metrics.set(family.unfinishedWork, ofQueue, 0)
  metrics.set(family.longestWork, ofQueue, 0)
}

const resultOf = (exit: Exit.Exit<Next, unknown>): string => {
  if (Exit.isFailure(exit)) return "error"
  if (exit.value === "when-notified") return "success"
  return Duration.equals(exit.value, Duration.zero) ? "requeue" : "requeue_after"
}
