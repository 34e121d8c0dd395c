import { Context, Duration, Effect, type Exit, Layer, Option, Queue, Ref, type Scope, Stream } from "effect"
import { ActingToken } from "../consul/ActingToken.ts"
import { Consul } from "../consul/Consul.ts"
import type { ApiError } from "../http/ApiError.ts"
import { decodeFeed, type FeedValue, newsSince } from "./FeedValue.ts"
import type { Keys } from "./keys.ts"
import { type StatusRead, Statuses } from "./Statuses.ts"

/**
 * Tells this process's waiters that a status changed. One watch on the feed serves them all, and however many wait for the
 * same status, it is read once.
 */
export class StatusWatch extends Context.Tag("jobforge/store/StatusWatch")<
  StatusWatch,
  {
    /**
     * The status once its index is above this one, or as it is when the time is over. Index 0 is answered at once, as
     * Consul does it.
     */
    readonly newer: (name: string, index: number, within: Duration.Duration) => Effect.Effect<StatusRead, ApiError>
    /** Waits for the first status of a name that has none yet, or until the time is over. */
    readonly appears: (name: string, within: Duration.Duration) => Effect.Effect<void, ApiError>
    /**
     * The status as it is now, then each newer one that is seen: what lies between two looks is skipped. It ends with a
     * status that isn't there, or not any more.
     */
    readonly follow: (name: string) => Stream.Stream<StatusRead, ApiError>
    /** The record whose run has this id, or had it last. */
    readonly nameOf: (jobId: string) => Effect.Effect<Option.Option<string>, ApiError>
    readonly waiters: Effect.Effect<number>
  }
>() {
  static readonly layer = (keys: Keys): Layer.Layer<StatusWatch, never, Consul | Statuses> =>
    Layer.scoped(StatusWatch, make(keys))
}

/** What somebody waits for is looked at after this even if the feed says nothing: a notification may be lost, the wait may not. */
const patience = Duration.seconds(30)

/** Kept before anybody tidies up. */
const fewestNames = 10_000

/** What one of those who wait is told: the last read that nobody has taken yet. */
type News = Queue.Queue<Exit.Exit<StatusRead, ApiError>>

const make = Effect.fnUntraced(function* (
  keys: Keys
): Effect.fn.Return<StatusWatch["Type"], never, Consul | Statuses | Scope.Scope> {
  const consul = yield* Consul
  const statuses = yield* Statuses
  const waiting = new Map<string, Set<News>>()
  /** By the run's id, where it isn't the record's name itself. */
  const names = new Map<string, string>()
  let mostNames = fewestNames
  const seen = yield* Ref.make(Option.none<FeedValue>())
  let indexed = false

  /** One read for all that wait; who is not content stays. */
  const wake = Effect.fnUntraced(function* (name: string) {
    const those = waiting.get(name)
    if (those === undefined) return
    const read = yield* Effect.exit(statuses.get(name))
    yield* Effect.forEach(those, (news) => Queue.offer(news, read), { discard: true })
  })

  const wakeAll = Effect.suspend(() => Effect.forEach([...waiting.keys()], wake, { concurrency: 16, discard: true }))

  const note = ({ job_id: jobId, name }: { readonly name: string; readonly job_id?: string | undefined }) => {
    if (jobId === undefined || jobId === name) return
    names.set(jobId, name)
    // Among them are those of runs and records that are long gone.
    if (names.size > mostNames) indexed = false
  }

  const index = Effect.gen(function* () {
    const present = yield* statuses.list
    names.clear()
    mostNames = Math.max(fewestNames, 2 * present.length)
    for (const { status } of present) note(status)
    indexed = true
    // It is for everybody: what one caller may not see would be missing for all.
  }).pipe(Effect.provideService(ActingToken, Option.none()))

  const take = Effect.fnUntraced(function* (value: FeedValue) {
    const news = newsSince(yield* Ref.getAndSet(seen, Option.some(value)), value)
    if (news.kind === "entries") {
      news.entries.forEach(note)
      return yield* Effect.forEach(new Set(news.entries.map(({ name }) => name)), wake, {
        concurrency: 16,
        discard: true
      })
    }
    // Whoever asks for a job by its id finds it in the next list.
    indexed = false
    yield* wakeAll
  })

  const told = consul.watchKey(keys.feed).pipe(
    Stream.map(({ value }) =>
      Option.match(
        Option.flatMap(value, (entry) => decodeFeed(entry.value)),
        { onNone: () => Effect.void, onSome: take }
      )
    )
  )
  const untold = Stream.drop(Stream.tick(patience), 1).pipe(Stream.map(() => wakeAll))
  // One after the other, so that nobody is told an older read after a newer one.
  yield* Stream.merge(told, untold).pipe(
    Stream.runForEach((look) => look),
    Effect.forkScoped
  )

  const expect = (name: string) =>
    Effect.acquireRelease(
      Effect.tap(Queue.sliding<Exit.Exit<StatusRead, ApiError>>(1), (news) =>
        Effect.sync(() => {
          const those = waiting.get(name) ?? new Set()
          waiting.set(name, those.add(news))
        })
      ),
      (news) =>
        Effect.sync(() => {
          const those = waiting.get(name)
          those?.delete(news)
          if (those?.size === 0) waiting.delete(name)
        })
    )

  /** The first read that is as wanted, or the last one. */
  const until = (
    name: string,
    within: Duration.Duration,
    wanted: (read: StatusRead) => boolean
  ): Effect.Effect<StatusRead, ApiError> =>
    Effect.scoped(
      Effect.gen(function* () {
        // Expected before it is read: what changes in between is not missed.
        const news = yield* expect(name)
        const now = yield* statuses.latest(name)
        if (wanted(now) || Duration.lessThanOrEqualTo(within, Duration.zero)) return now
        const next = Queue.take(news).pipe(Effect.flatten, Effect.repeat({ until: wanted }))
        const read = yield* Effect.timeoutOption(next, within)
        return Option.isSome(read) ? read.value : yield* statuses.latest(name)
      })
    )

  const newer = (name: string, index: number, within: Duration.Duration) =>
    until(name, within, (read) => index <= 0 || isNewer(read, index))

  const follow = (name: string) =>
    Stream.unfoldEffect(Option.some(0), (index) =>
      Option.match(index, {
        onNone: () => Effect.succeedNone,
        onSome: (at) =>
          Effect.map(newer(name, at, Duration.infinity), (read) =>
            Option.some([read, read.modifyIndex === 0 ? Option.none<number>() : Option.some(read.modifyIndex)] as const)
          )
      })
    )

  return StatusWatch.of({
    newer,
    appears: (name, within) => Effect.asVoid(until(name, within, ({ modifyIndex }) => modifyIndex > 0)),
    follow,
    nameOf: Effect.fnUntraced(function* (jobId) {
      if (!indexed && (!names.has(jobId) || names.size > mostNames)) yield* index
      return Option.fromNullable(names.get(jobId))
    }),
    waiters: Effect.sync(() => [...waiting.values()].reduce((sum, those) => sum + those.size, 0))
  })
})

/** A status that is gone is news too: its job has moved to the archive. */
const isNewer = ({ modifyIndex }: StatusRead, index: number): boolean => modifyIndex === 0 || modifyIndex > index
