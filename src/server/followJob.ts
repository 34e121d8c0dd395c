import { Clock, Deferred, Effect, FiberSet, Mailbox, Option, type Scope, Stream, SubscriptionRef } from "effect"
import type { LogEnd, LogEvent } from "../api/LogEvent.ts"
import { isTerminal, type Status } from "../domain/Status.ts"
import type { FoundJob, JobFinder } from "../store/JobFinder.ts"
import type { StatusRead } from "../store/Statuses.ts"
import type { StatusWatch } from "../store/StatusWatch.ts"
import { type AttemptNews, followAttempt, type FollowTools, type SeenAttempt, waitForStore } from "./followAttempt.ts"
import type { LogFilter } from "./LiveLogFilter.ts"
import { attemptKey, type LogProgress } from "./LogCursor.ts"
import { LogEvents } from "./LogEvents.ts"
import { comesBefore } from "./logNotices.ts"
import { isJobAttempt, type JobAttempt } from "./LogQuery.ts"

export type LogItem =
  | { readonly kind: "line"; readonly event: LogEvent }
  | { readonly kind: "end"; readonly end: LogEnd }

export interface JobFollowTools extends Pick<FollowTools, "archive" | "nomad"> {
  readonly finder: JobFinder["Type"]
  readonly watch: StatusWatch["Type"]
  readonly filterOf: (status: Status) => Effect.Effect<() => LogFilter>
}

/**
 * Every line of a job, from where the reader was, until the job is over and its last line was told; then why there is no
 * more. It waits for its reader: what nobody reads yet stays where it is.
 */
export const followJob = (
  tools: JobFollowTools,
  found: FoundJob,
  from: Option.Option<LogProgress>
): Stream.Stream<LogItem> =>
  Stream.unwrapScoped(
    Effect.gen(function* () {
      const mailbox = yield* Mailbox.make<News>(batchesWaiting)
      const events = new LogEvents(found.status, from)
      const follower = yield* makeFollower(tools, mailbox, events)
      yield* follower(found).pipe(
        Effect.flatMap((end) => mailbox.offer(end)),
        Mailbox.into(mailbox),
        Effect.forkScoped
      )
      return Mailbox.toStream(mailbox).pipe(
        Stream.mapEffect((news) => Effect.map(Clock.currentTimeMillis, (now) => itemsOf(events, news, now))),
        Stream.mapConcat((items) => items)
      )
    })
  )

interface End {
  readonly kind: "end"
  readonly reason: LogEnd["reason"]
  readonly status: Status | undefined
}

type News = AttemptNews | End

/** Of at most 64 KiB each. */
const batchesWaiting = 8

/** Attempts that are followed side by side; each has two connections to Nomad. */
const besideEachOther = 8

const itemsOf = (events: LogEvents, news: News, now: number): ReadonlyArray<LogItem> =>
  news.kind === "end"
    ? [{ kind: "end", end: events.end(news.reason, news.status) }]
    : events.take(news, now).map((event) => ({ kind: "line", event }))

interface Worker {
  readonly attempt: JobAttempt
  readonly seen: SubscriptionRef.SubscriptionRef<SeenAttempt>
  readonly done: Deferred.Deferred<void>
}

const makeFollower = Effect.fnUntraced(function* (
  { archive, filterOf, finder, nomad, watch }: JobFollowTools,
  mailbox: Mailbox.Mailbox<News>,
  events: LogEvents
): Effect.fn.Return<(found: FoundJob) => Effect.Effect<End>, never, Scope.Scope> {
  const fibers = yield* FiberSet.make<void>()
  const permits = yield* Effect.makeSemaphore(besideEachOther)
  const workers = new Map<string, Worker>()

  const begin = Effect.fnUntraced(function* (status: Status, attempt: JobAttempt) {
    const seen = yield* SubscriptionRef.make<SeenAttempt>({ attempt, attempts: status.attempts })
    const done = yield* Deferred.make<void>()
    const earlier = [...workers.values()].filter((other) => comesBefore(other.attempt, attempt))
    workers.set(attemptKey(attempt), { attempt, seen, done })
    const filter = yield* filterOf(status)
    const progress = events.progressOf(attempt)
    const tell = (news: AttemptNews) => mailbox.offer(news)
    yield* Effect.forEach(earlier, (other) => Deferred.await(other.done), { discard: true }).pipe(
      Effect.zipRight(
        permits.withPermits(1)(followAttempt({ archive, nomad, filter, name: status.name, tell }, seen, progress))
      ),
      Effect.zipRight(Deferred.succeed(done, undefined)),
      Effect.asVoid,
      // A bug must not leave the reader waiting.
      Effect.tapErrorCause((cause) => mailbox.failCause(cause)),
      FiberSet.run(fibers)
    )
  })

  const take = Effect.fnUntraced(function* (status: Status) {
    events.name(status)
    for (const attempt of status.attempts.filter(isJobAttempt)) {
      const worker = workers.get(attemptKey(attempt))
      if (worker === undefined) yield* begin(status, attempt)
      else yield* SubscriptionRef.set(worker.seen, { attempt, attempts: status.attempts })
    }
  })

  /** Whether there may be more to see of this run in the status. */
  const takeRead = ({ modifyIndex, status }: StatusRead): Effect.Effect<boolean> => {
    if (modifyIndex === 0) return Effect.succeed(false)
    if (Option.isNone(status)) return Effect.succeed(true)
    if (events.isOtherRun(status.value)) return Effect.succeed(false)
    return Effect.as(take(status.value), !isOver(status.value))
  }

  const again = (id: string) => finder.find(id).pipe(Effect.retry(waitForStore), Effect.orDie)

  return Effect.fnUntraced(function* (first: FoundJob) {
    let found = Option.some(first)
    while (Option.isSome(found)) {
      const { archived, status } = found.value
      if (events.isOtherRun(status)) return { kind: "end", reason: "superseded", status: undefined }
      yield* take(status)
      if (archived || isOver(status)) {
        yield* Effect.forEach(workers.values(), ({ done }) => Deferred.await(done), { discard: true })
        return { kind: "end", reason: endOf(status), status }
      }
      yield* Stream.runForEachWhile(watch.follow(status.name), takeRead).pipe(Effect.retry(waitForStore), Effect.orDie)
      // It is over, it has moved to the archive, or nobody has written its status yet.
      yield* Effect.sleep(pause)
      found = yield* again(status.job_id ?? status.name)
    }
    return { kind: "end", reason: "not found", status: undefined }
  })
})

const pause = "100 millis"

/** All of its steps' logs are where they will stay. */
const isOver = ({ attempts, status }: Status): boolean =>
  isTerminal(status) && attempts.every((attempt) => !isJobAttempt(attempt) || attempt.outcome !== undefined)

const endOf = ({ reason, status }: Status): LogEnd["reason"] => {
  if (status === "SUCCEEDED") return "succeeded"
  return reason === "Cancelled" ? "cancelled" : "failed"
}
