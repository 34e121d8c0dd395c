import {
  Context,
  Deferred,
  Duration,
  Effect,
  Exit,
  FiberId,
  Layer,
  Option,
  Ref,
  Runtime,
  type Scope,
  Stream
} from "effect"
import { ActingToken } from "../consul/ActingToken.ts"
import { Consul } from "../consul/Consul.ts"
import type { ApiError } from "../http/ApiError.ts"
import { decodeFeed, type FeedValue, newsSince } from "./FeedValue.ts"
import type { Keys } from "./keys.ts"
import { makeSharedEnds } from "./sharedEnds.ts"
import type { Told } from "./sharedReads.ts"
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
    readonly newer: (
      name: string,
      index: number,
      within: Duration.Duration,
      /** Ends the wait before its time. */
      end?: Effect.Effect<void>
    ) => Effect.Effect<StatusRead, ApiError>
    /** As `newer`, without a fiber for whoever waits, and with the first read that finds nothing. Answers with what ends it. */
    readonly tellNewer: (
      name: string,
      index: number,
      within: Duration.Duration,
      end: Effect.Effect<void>,
      then: Answer
    ) => () => void
    /** Waits for the first status of a name that has none yet, or until the time is over. */
    readonly appears: (
      name: string,
      within: Duration.Duration,
      end?: Effect.Effect<void>
    ) => Effect.Effect<void, ApiError>
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

/** One of those who wait. There are thousands of them, and all are told at once: it is no more than it must be. */
interface Waiter {
  readonly wanted: (read: StatusRead) => boolean
  readonly answer: Answer
}

/** None: the wait is over without news. */
type Answer = Told<Option.Option<StatusRead>>

/** Waiters that are told before everybody else gets a turn. */
const toldAtOnce = 256

const make = Effect.fnUntraced(function* (
  keys: Keys
): Effect.fn.Return<StatusWatch["Type"], never, Consul | Statuses | Scope.Scope> {
  const consul = yield* Consul
  const statuses = yield* Statuses
  const runtime = yield* Effect.runtime()
  const waiting = new Map<string, Set<Waiter>>()
  const ends = yield* makeSharedEnds<Waiter>(({ answer }) => answer(Exit.succeed(Option.none())))
  /** By the run's id, where it isn't the record's name itself. */
  const names = new Map<string, string>()
  let mostNames = fewestNames
  const seen = yield* Ref.make(Option.none<FeedValue>())
  let indexed = false

  /**
   * A Consul server that has just begun to lead may answer a plain read before it has its store together: that something
   * isn't there any more it must say in a consistent one, which it doesn't answer before.
   */
  const sure = (name: string, read: StatusRead) =>
    read.modifyIndex > 0 ? Effect.succeed(read) : statuses.get(name, { consistent: true })

  /** One read for all that wait; who is not content stays. */
  const wake = Effect.fnUntraced(function* (name: string) {
    const those = waiting.get(name)
    if (those === undefined) return
    const read = yield* Effect.exit(Effect.flatMap(statuses.get(name), (now) => sure(name, now)))
    const answer = Exit.map(read, Option.some)
    let told = 0
    for (const waiter of those) {
      if (Exit.isSuccess(read) && !waiter.wanted(read.value)) continue
      waiter.answer(answer)
      if (++told % toldAtOnce === 0) yield* Effect.yieldNow()
    }
  })

  const wakeAll = Effect.suspend(() => Effect.forEach([...waiting.keys()], wake, { concurrency: 16, discard: true }))

  const note = ({ job_id: jobId, name }: { readonly name: string; readonly job_id?: string | undefined }) => {
    if (jobId === undefined || jobId === name) return
    names.set(jobId, name)
    // Among them are those of runs and records that are long gone.
    if (names.size > mostNames) indexed = false
  }

  const index = Effect.gen(function* () {
    // What it doesn't list is taken for unknown from then on.
    yield* consul.get(keys.feed, { consistent: true })
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

  const expect = <A extends Waiter>(name: string, waiter: A): A => {
    const those = waiting.get(name) ?? new Set()
    waiting.set(name, those.add(waiter))
    return waiter
  }

  const leave = (name: string, waiter: Waiter) => {
    const those = waiting.get(name)
    those?.delete(waiter)
    ends.leave(waiter)
    if (those?.size === 0) waiting.delete(name)
  }

  /** The first read that is as wanted, or the last one. */
  const until = (
    name: string,
    within: Duration.Duration,
    wanted: Waiter["wanted"],
    end: Effect.Effect<void> = Effect.never,
    /** There was one. */
    known = false
  ): Effect.Effect<StatusRead, ApiError> => {
    const look = Effect.flatMap(statuses.latest(name), (now) => (known ? sure(name, now) : Effect.succeed(now)))
    return Effect.acquireUseRelease(
      // Expected before it is read: what changes in between is not missed.
      Effect.sync(() => {
        const deferred = Deferred.unsafeMake<Option.Option<StatusRead>, ApiError>(FiberId.none)
        return expect(name, { wanted, deferred, answer: (read) => Deferred.unsafeDone(deferred, read) })
      }),
      (waiter) =>
        Effect.flatMap(look, (now) =>
          wanted(now) || Duration.lessThanOrEqualTo(within, Duration.zero)
            ? Effect.succeed(now)
            : ends
                .after(within, waiter)
                .pipe(
                  Effect.zipRight(ends.at(end, waiter)),
                  Effect.zipRight(Deferred.await(waiter.deferred)),
                  Effect.flatMap(Option.match({ onNone: () => look, onSome: Effect.succeed }))
                )
        ),
      (waiter) => Effect.sync(() => leave(name, waiter))
    )
  }

  const tellNewer: StatusWatch["Type"]["tellNewer"] = (name, index, within, end, then) => {
    let isOver = false
    const stop = () => {
      isOver = true
      leave(name, waiter)
    }
    const done: Answer = (read) => {
      if (isOver) return
      stop()
      then(read)
    }
    const waiter = expect(name, { wanted: above(index), answer: done })
    statuses.tell(name, (read) => {
      if (isOver) return
      if (Exit.isFailure(read) || read.value.modifyIndex === 0 || waiter.wanted(read.value)) {
        return done(Exit.map(read, Option.some))
      }
      Runtime.runSync(runtime, Effect.zipRight(ends.after(within, waiter), ends.at(end, waiter)))
    })
    return stop
  }

  const above = (index: number) => (read: StatusRead) => index <= 0 || isNewer(read, index)

  const follow = (name: string) =>
    Stream.unfoldEffect(Option.some(0), (index) =>
      Option.match(index, {
        onNone: () => Effect.succeedNone,
        onSome: (at) =>
          Effect.map(until(name, Duration.infinity, above(at), Effect.never, true), (read) =>
            Option.some([read, read.modifyIndex === 0 ? Option.none<number>() : Option.some(read.modifyIndex)] as const)
          )
      })
    )

  return StatusWatch.of({
    tellNewer,
    newer: (name, index, within, end) => until(name, within, above(index), end, index > 0),
    appears: (name, within, end) => Effect.asVoid(until(name, within, ({ modifyIndex }) => modifyIndex > 0, end)),
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
