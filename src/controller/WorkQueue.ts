import {
  Cause,
  Clock,
  Duration,
  Effect,
  Exit,
  FiberMap,
  MutableQueue,
  Queue,
  Record,
  Schedule,
  type Scope
} from "effect"
import { Progress } from "../metrics/Progress.ts"
import type { Check } from "../metrics/Watchdog.ts"
import { makeQueueMeter } from "./QueueMeter.ts"

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
  /** The same for what has begun already: Nomad keeps the logs of what ended for a while only, and finishing frees its place. */
  readonly addFirst: (key: string) => Effect.Effect<void>
  /** The same for what nobody waits for: most of the workers' turns go to the others while there are any. */
  readonly addLater: (key: string) => Effect.Effect<void>
  /** At the end of this pause, unless it is looked at before: more is likely to follow that the same look takes in. */
  readonly addWithin: (key: string, wait: Wait) => Effect.Effect<void>
  /** Keys that wait for a worker, and keys that are being worked on. */
  readonly size: Effect.Effect<{ readonly waiting: number; readonly active: number }>
  /** Done while few of those wait that nobody waits for. */
  readonly hasRoom: Effect.Effect<void>
  /** Whether it is stuck; a long queue alone is not. */
  readonly check: Check
}

interface Entry {
  state: Lane | "active"
  /** Where it waits after the pass that is under way. */
  again?: Lane
  failures: number
}

/** Where a key waits. */
type Lane = "first" | "soon" | "later"

const lanesByRank: ReadonlyArray<Lane> = ["first", "soon", "later"]

/** Every so many turns the first of those goes that nobody waits for. */
const patience = 8

/** Keys that nobody waits for: as many as keep the workers busy until there are more. */
const room = 256

/** Milliseconds. */
const waits = { "50 millis": 50, "300 millis": 300, "2 seconds": 2000 }

/** How long what was announced may wait. */
export type Wait = keyof typeof waits

interface Announcement {
  readonly key: string
  /** Milliseconds since the epoch. */
  readonly due: number
}

/** Whose turn it is, the others in the order in which they stand in for an empty lane. Every lane has its share. */
const orderOf = (turn: number): ReadonlyArray<Lane> => {
  if (turn === 0) return ["later", "first", "soon"]
  return turn === patience / 2 ? ["soon", "first", "later"] : lanesByRank
}

/**
 * One entry a key, one pass a key at a time, first come first served in each of three lanes, of which the slower ones have
 * their share too, so that no key starves. An idle key costs nothing. This is the single place where a cause, defects
 * included, is caught: a bug in one key's pass must not stop the other keys.
 *
 * A notification shortens no backoff: whatever failed is still likely to fail, and the pause protects it.
 */
export const makeWorkQueue = Effect.fnUntraced(function* <E, R>(
  options: WorkQueueOptions<E, R>
): Effect.fn.Return<WorkQueue, never, R | Scope.Scope> {
  const entries = new Map<string, Entry>()
  const lanes = {
    first: MutableQueue.unbounded<string>(),
    soon: MutableQueue.unbounded<string>(),
    later: MutableQueue.unbounded<string>()
  }
  // One for each key in a lane; which key it is, the turn decides.
  const tickets = yield* Queue.unbounded<void>()
  let turn = 0
  const timers = yield* FiberMap.make<string>()
  const announced = new Map<string, Announcement>()
  const announcements = yield* Effect.all(Record.map(waits, () => Queue.unbounded<Announcement>()))
  const failing = new Map<string, number>()
  const meter = yield* makeQueueMeter(options.concurrency)

  const enqueue = (key: string, failures: number, lane: Lane) =>
    Effect.suspend(() => {
      entries.set(key, { state: lane, failures })
      meter.queued(key)
      MutableQueue.offer(lanes[lane], key)
      return Effect.asVoid(Queue.offer(tickets, undefined))
    })

  const addTo = (key: string, lane: Lane): Effect.Effect<void> =>
    Effect.suspend(() => {
      const entry = entries.get(key)
      if (entry === undefined) return failing.has(key) ? Effect.void : enqueue(key, 0, lane)
      if (entry.state === "active") {
        if (entry.again === undefined || isBehind(entry.again, lane)) entry.again = lane
        return Effect.void
      }
      // What it leaves behind in the other lane is nobody's turn any more.
      return isBehind(entry.state, lane) ? enqueue(key, entry.failures, lane) : Effect.void
    })

  const add = (key: string): Effect.Effect<void> => addTo(key, "soon")

  /** The first of the lane whose turn it is, and of the other where that one is empty. */
  const next = Effect.sync((): string | undefined => {
    turn = (turn + 1) % patience
    for (const lane of orderOf(turn)) {
      const key = MutableQueue.poll(lanes[lane], undefined)
      if (key !== undefined) return entries.get(key)?.state === lane ? key : undefined
    }
    return undefined
  })

  const later = (key: string, pause: Duration.Duration, failures: number, lane: Lane) =>
    Effect.asVoid(
      FiberMap.run(
        timers,
        key,
        Effect.sleep(pause).pipe(
          Effect.zipRight(
            Effect.suspend(() => {
              failing.delete(key)
              const entry = entries.get(key)
              return entry === undefined ? enqueue(key, failures, lane) : addTo(key, lane)
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
        Effect.zipRight(later(key, pause, failures, "soon"))
      )
    }
    if (entry.again !== undefined) return enqueue(key, 0, entry.again)
    // What asks for another look at a certain time has begun.
    return exit.value === "when-notified" ? Effect.void : later(key, exit.value, 0, "first")
  }

  const announce = (key: string, wait: Wait) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const announcement = { key, due: now + waits[wait] }
      const earlier = announced.get(key)
      if (earlier !== undefined && earlier.due <= announcement.due) return Effect.void
      announced.set(key, announcement)
      return Effect.asVoid(Queue.offer(announcements[wait], announcement))
    })

  // Those of one queue wait equally long, so that one fiber serves them in their order.
  const serveAnnounced = Effect.fnUntraced(function* (wait: Wait) {
    const announcement = yield* Queue.take(announcements[wait])
    const { due, key } = announcement
    // However far the clock of the machine was set back.
    const rest = Math.min(waits[wait], due - (yield* Clock.currentTimeMillis))
    if (announced.get(key) === announcement && rest > 0) yield* Effect.sleep(rest)
    // A pass may have begun meanwhile, and seen it all.
    if (announced.get(key) !== announcement) return
    announced.delete(key)
    yield* addTo(key, "first")
  })

  const work = Effect.fnUntraced(function* (progress: { touch: () => void }) {
    yield* Queue.take(tickets)
    const key = yield* next
    const entry = key === undefined ? undefined : entries.get(key)
    if (key === undefined || entry === undefined) return
    entry.state = "active"
    // A timer that is still running belongs to a look that this pass makes needless.
    yield* FiberMap.remove(timers, key)
    announced.delete(key)
    progress.touch = meter.began(key)
    const exit = yield* Effect.exit(options.reconcile(key))
    meter.ended(key, exit)
    yield* settle(key, entry, exit)
  })

  const worker = Effect.suspend(() => {
    const progress = { touch: () => {} }
    return Effect.provideService(Effect.forever(work(progress)), Progress, progress)
  })

  for (const wait of Record.keys(announcements)) yield* Effect.forkScoped(Effect.forever(serveAnnounced(wait)))
  yield* Effect.replicateEffect(Effect.forkScoped(worker), options.concurrency, { discard: true })

  return {
    add,
    addFirst: (key) => addTo(key, "first"),
    addLater: (key) => addTo(key, "later"),
    addWithin: announce,
    hasRoom: Effect.asVoid(
      Effect.repeat(
        Effect.sync(() => MutableQueue.length(lanes.later)),
        { until: (waiting) => waiting < room, schedule: Schedule.spaced("5 millis") }
      )
    ),
    check: meter.check,
    size: Effect.sync(() => {
      const states = [...entries.values()]
      const waiting = states.filter(({ state }) => state !== "active").length
      return { waiting, active: states.length - waiting }
    })
  }
})

const isBehind = (one: Lane, other: Lane): boolean => lanesByRank.indexOf(one) > lanesByRank.indexOf(other)

/** What was to be expected is a line; a bug shows where it is. */
const report = (cause: Cause.Cause<unknown>): Effect.Effect<void> =>
  Cause.isFailure(cause) && !Cause.isDie(cause)
    ? Effect.logWarning("pass failed", [...Cause.failures(cause)].map(String).join("; "))
    : Effect.logError("pass failed: a bug", Cause.pretty(cause))
