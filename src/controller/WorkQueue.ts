import { Cause, Duration, Effect, Exit, FiberMap, Queue, type Scope } from "effect"

/** What a pass asks for: another look after a while, or none before the next notification. */
export type Requeue = Duration.Duration | "when-notified"

export interface WorkQueueOptions<E, R> {
  readonly reconcile: (key: string) => Effect.Effect<Requeue, E, R>
  /** Passes at the same time. */
  readonly concurrency: number
  /** Pause after the n-th failure in a row, from 1. */
  readonly backoff: (failures: number) => Duration.Duration
}

export interface WorkQueue {
  /** Asks for a pass. A key that waits already is not queued twice; one that is being worked on gets another pass after. */
  readonly add: (key: string) => Effect.Effect<void>
  /** Keys that wait for a worker, and keys that are being worked on. */
  readonly size: Effect.Effect<{ readonly waiting: number; readonly active: number }>
}

interface Entry {
  state: "waiting" | "active" | "active-again"
  failures: number
}

/**
 * One entry a key, one pass a key at a time, first come first served, so that no key starves. An idle key costs
 * nothing. This is the single place where a cause, defects included, is caught: a bug in one key's pass must not stop
 * the other keys.
 *
 * A notification shortens no backoff: whatever failed is still likely to fail, and the pause protects it.
 */
export const makeWorkQueue = Effect.fnUntraced(function* <E, R>(
  options: WorkQueueOptions<E, R>
): Effect.fn.Return<WorkQueue, never, R | Scope.Scope> {
  const entries = new Map<string, Entry>()
  const ready = yield* Queue.unbounded<string>()
  const timers = yield* FiberMap.make<string>()
  const failing = new Map<string, number>()

  const enqueue = (key: string, failures: number) =>
    Effect.suspend(() => {
      entries.set(key, { state: "waiting", failures })
      return Effect.asVoid(Queue.offer(ready, key))
    })

  const add = (key: string): Effect.Effect<void> =>
    Effect.suspend(() => {
      const entry = entries.get(key)
      if (entry === undefined) return failing.has(key) ? Effect.void : enqueue(key, 0)
      if (entry.state === "active") entry.state = "active-again"
      return Effect.void
    })

  const later = (key: string, pause: Duration.Duration, failures: number) =>
    Effect.asVoid(
      FiberMap.run(
        timers,
        key,
        Effect.sleep(pause).pipe(
          Effect.zipRight(
            Effect.suspend(() => {
              failing.delete(key)
              const entry = entries.get(key)
              return entry === undefined ? enqueue(key, failures) : add(key)
            })
          )
        )
      )
    )

  const settle = (key: string, entry: Entry, exit: Exit.Exit<Requeue, E>): Effect.Effect<void> => {
    entries.delete(key)
    if (Exit.isFailure(exit)) {
      const failures = entry.failures + 1
      const pause = options.backoff(failures)
      failing.set(key, failures)
      return report(exit.cause).pipe(
        Effect.annotateLogs({ record: key, failures, nextIn: Duration.format(pause) }),
        Effect.zipRight(later(key, pause, failures))
      )
    }
    if (entry.state === "active-again") return enqueue(key, 0)
    return exit.value === "when-notified" ? Effect.void : later(key, exit.value, 0)
  }

  const work = Effect.gen(function* () {
    const key = yield* Queue.take(ready)
    const entry = entries.get(key)
    if (entry === undefined) return
    entry.state = "active"
    // A timer that is still running belongs to a look that this pass makes needless.
    yield* FiberMap.remove(timers, key)
    const exit = yield* Effect.exit(options.reconcile(key))
    yield* settle(key, entry, exit)
  })

  yield* Effect.replicateEffect(Effect.forkScoped(Effect.forever(work)), options.concurrency, { discard: true })

  return {
    add,
    size: Effect.sync(() => {
      const states = [...entries.values()]
      const waiting = states.filter(({ state }) => state === "waiting").length
      return { waiting, active: states.length - waiting }
    })
  }
})

/** What was to be expected is a line; a bug shows where it is. */
const report = (cause: Cause.Cause<unknown>): Effect.Effect<void> =>
  Cause.isFailure(cause) && !Cause.isDie(cause)
    ? Effect.logWarning("pass failed", [...Cause.failures(cause)].map(String).join("; "))
    : Effect.logError("pass failed: a bug", Cause.pretty(cause))
