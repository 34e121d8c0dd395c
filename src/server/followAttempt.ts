import { Duration, Effect, Option, Schedule, Stream, SubscriptionRef } from "effect"
import type { Attempt } from "../domain/Status.ts"
import type { ApiError } from "../http/ApiError.ts"
import type { Nomad } from "../nomad/Nomad.ts"
import type { LogArchive, LogStream } from "../store/LogArchive.ts"
import { type ArchivedLog, archivedFrom, archivedLength, readArchived } from "./archivedLog.ts"
import { lineText, makeLineCutter } from "./cutLines.ts"
import { type FollowedLine, followLive } from "./followLive.ts"
import type { LogFilter } from "./LiveLogFilter.ts"
import { allocationMark, type AttemptProgress, type LogPosition, logStart } from "./LogCursor.ts"
import { endNotices, failedToGet } from "./logNotices.ts"
import type { JobAttempt } from "./LogQuery.ts"

/** What is told of an attempt, in order. */
export type AttemptNews =
  | {
      readonly kind: "lines"
      readonly attempt: JobAttempt
      readonly stream: LogStream
      readonly lines: ReadonlyArray<FollowedLine>
    }
  /** The service's own words; `isLast`: told once, at the attempt's end. */
  | { readonly kind: "notice"; readonly attempt: JobAttempt; readonly text: string; readonly isLast: boolean }
  | { readonly kind: "done"; readonly attempt: JobAttempt }

export interface FollowTools {
  readonly nomad: Nomad["Type"]
  readonly archive: LogArchive["Type"]
  readonly filter: () => LogFilter
  /** The record's name: where the archive has its logs. */
  readonly name: string
  /** Suspends until there is room. */
  readonly tell: (news: AttemptNews) => Effect.Effect<unknown>
}

/** An attempt as its job's status shows it, with all of them. */
export interface SeenAttempt {
  readonly attempt: JobAttempt
  readonly attempts: ReadonlyArray<Attempt>
}

/**
 * Tells everything that one attempt writes from where a reader was: from Nomad while it runs, then from the archive what
 * is missing. Ends when there is no more to come.
 */
export const followAttempt = Effect.fn("followAttempt")(function* (
  tools: FollowTools,
  seen: SubscriptionRef.SubscriptionRef<SeenAttempt>,
  progress: AttemptProgress
) {
  if (!progress.done) {
    const over = (yield* SubscriptionRef.get(seen)).attempt.outcome !== undefined
    // What is written now comes as it is written; what was written is told one stream after the other.
    const written = yield* Effect.forEach(
      streams,
      (stream) => followStream(tools, seen, stream, progress.streams[stream]),
      { concurrency: over ? 1 : streams.length }
    )
    const { attempt, attempts } = yield* SubscriptionRef.get(seen)
    for (const text of endNotices(attempt, attempts, written.includes(true)).slice(progress.notices)) {
      yield* tools.tell({ kind: "notice", attempt, text, isLast: true })
    }
    yield* tools.tell({ kind: "done", attempt })
  }
})

const streams = ["stdout", "stderr"] as const

/** Answers whether the stream has any line. */
const followStream = Effect.fnUntraced(function* (
  tools: FollowTools,
  seen: SubscriptionRef.SubscriptionRef<SeenAttempt>,
  stream: LogStream,
  from: LogPosition | undefined
) {
  let position = from
  const notice = (text: string) =>
    Effect.flatMap(SubscriptionRef.get(seen), ({ attempt }) =>
      tools.tell({ kind: "notice", attempt, text, isLast: false })
    )

  /** Told and noted together: what is interrupted in between would be told twice. */
  const tellLines = (attempt: JobAttempt, lines: ReadonlyArray<FollowedLine>) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(restore(tools.tell({ kind: "lines", attempt, stream, lines })), () =>
        Effect.sync(() => {
          position = lines.at(-1)?.position ?? position
        })
      )
    )

  /** Where it goes on; another allocation's output begins anew. */
  const place = (allocationId: string): LogPosition => {
    position = position?.allocation === allocationMark(allocationId) ? position : logStart(allocationId)
    return position
  }

  const hasLines = () => position !== undefined && position.shown > 0

  const live = (allocationId: string) =>
    Stream.suspend(() => followLive({ ...tools, allocationId, stream }, place(allocationId))).pipe(
      Stream.tap(({ lost }) =>
        lost ? notice(`[some output on ${stream} was rotated away before it could be read]`) : Effect.void
      ),
      Stream.filter(({ lines }) => lines.length > 0)
    )

  const followRunning = Effect.fnUntraced(function* ({ attempt, attempts }: SeenAttempt, allocationId: string) {
    if (hasLines() && position?.allocation !== allocationMark(allocationId)) {
      yield* notice(`[allocation ${allocationId} took the place of another; its output on ${stream} begins anew]`)
    }
    let refused = false
    const once = Effect.suspend(() => {
      const before = position?.shown
      return Stream.runForEach(live(allocationId), ({ lines }) => tellLines(attempt, lines)).pipe(
        Effect.tapErrorTag("Denied", (error) => {
          if (refused) return Effect.void
          refused = true
          return notice(failedToGet(attempt, attempts, error.message))
        }),
        // What broke off after some lines is no trouble yet.
        Effect.catchIf(
          () => position?.shown !== before,
          () => Effect.sleep(aMoment)
        )
      )
    })
    // A task that hasn't started, a node that is away: it is the status that says when it ends.
    return yield* once.pipe(
      Effect.retry(troubled),
      // The schedule has no end, so neither has the error a way out.
      Effect.orDie,
      Effect.forever
    )
  })

  let now = yield* until(seen, isPlacedOrOver)
  while (now.attempt.outcome === undefined && now.attempt.allocation_id !== undefined) {
    const allocationId = now.attempt.allocation_id
    const moved = until(seen, ({ attempt }) => attempt.outcome !== undefined || attempt.allocation_id !== allocationId)
    now = yield* Effect.raceFirst(followRunning(now, allocationId), moved)
  }

  const { attempt, attempts } = now
  const { allocation_id: allocationId, outcome } = attempt
  if (allocationId === undefined || outcome?.logs !== "archived") return hasLines()
  const start = place(allocationId)
  // The archive lacks the middle. Nomad may still have it for somebody who is not far behind.
  const drained =
    outcome.log_truncated &&
    start.shown > 0 &&
    (yield* live(allocationId).pipe(
      Stream.timeout(silence),
      Stream.runForEach(({ lines }) => tellLines(attempt, lines)),
      Effect.isSuccess
    ))
  const archived = yield* Effect.retry(
    readArchived(tools.archive, tools.name, attempt.nomad_job_id, stream),
    waitForStore
  ).pipe(Effect.catchAll((error) => Effect.as(notice(failedToGet(attempt, attempts, error.message)), Option.none())))
  if (Option.isNone(archived)) return hasLines()
  if (drained && place(allocationId).shown > archivedLength(archived.value)) return true
  for (const lines of archivedLines(archived.value, place(allocationId))) yield* tellLines(attempt, lines)
  return true
})

/** Nomad sends what it has at once: after this long without any there is no more. */
const silence = Duration.seconds(2)

const aMoment = Duration.millis(100)

const troubled = Schedule.exponential("200 millis").pipe(
  Schedule.union(Schedule.spaced("5 seconds")),
  Schedule.jittered
)

/** Consul comes back; until then there is nothing to tell. */
export const waitForStore = Schedule.intersect(
  troubled,
  Schedule.recurWhile<ApiError>(({ _tag }) => _tag === "Unavailable" || _tag === "Conflict")
)

const pieceBytes = 64 * 1024

/** Lines from the archive behind this position, a piece at a time. */
function* archivedLines(log: ArchivedLog, from: LogPosition): Generator<ReadonlyArray<FollowedLine>> {
  const { allocation } = from
  const line = (text: string, start: number, shown: number): FollowedLine => ({
    text,
    start,
    // It is read whole, from wherever it is wanted: any place is one to begin at.
    position: { allocation, shown, anchor: { raw: shown, shown, file: 0, at: shown } }
  })
  for (const part of archivedFrom(log, from.shown)) {
    if (part.kind === "cut") {
      yield [line(part.text, part.from, part.to)]
      continue
    }
    const cutter = makeLineCutter()
    let shown = part.from
    const toLine = (bytes: Uint8Array) => {
      const start = shown
      shown += bytes.length
      return line(lineText(bytes), start, shown)
    }
    for (let start = 0; start < part.bytes.length; start += pieceBytes) {
      const lines = cutter.add(part.bytes.subarray(start, start + pieceBytes))
      if (lines.length > 0) yield lines.map(toLine)
    }
    if (cutter.rest().length > 0) yield [toLine(cutter.rest())]
  }
}

const isPlacedOrOver = ({ attempt }: SeenAttempt): boolean =>
  attempt.outcome !== undefined || attempt.allocation_id !== undefined

const until = (seen: SubscriptionRef.SubscriptionRef<SeenAttempt>, wanted: (seen: SeenAttempt) => boolean) =>
  seen.changes.pipe(
    Stream.filter(wanted),
    Stream.runHead,
    // The reference outlives whoever waits for it.
    Effect.flatMap(Option.match({ onNone: () => Effect.never, onSome: Effect.succeed }))
  )
