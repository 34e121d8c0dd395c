import { Clock, Effect, Option, Ref, Schedule, Stream } from "effect"
import type { JobState } from "../../api/JobState.ts"
import type { JobForgeError } from "../../client/ClientErrors.ts"
import { errorOf } from "../../client/errorOf.ts"
import type { JobForge } from "../../client/JobForge.ts"
import { Io, type Screen } from "../Io.ts"
import { clip } from "../terminal/displayWidth.ts"
import { type Draw, paint } from "../terminal/paint.ts"
import { plainText } from "../terminal/plainText.ts"
import { failedLog } from "./failedLog.ts"
import { followState } from "./followState.ts"
import { endingLines } from "./plainLines.ts"
import { renderSummary, renderWatched } from "./renderWatched.ts"
import { beginWatching, type News, take, type Watched } from "./Watched.ts"
import type { WatchOptions } from "./WatchOptions.ts"

/** The whole window shows the job until it is over; its end stays below what the terminal showed before. */
export const liveView = Effect.fn("liveView")(function* (
  client: JobForge,
  screen: Screen,
  { id, knownTags }: WatchOptions
): Effect.fn.Return<JobState, JobForgeError, Io> {
  const { colour } = screen
  const first = yield* Effect.tryPromise({ try: (signal) => client.getStatus(id, { signal }), catch: errorOf })
  const watched = yield* Ref.make(beginWatching(first, yield* Clock.currentTimeMillis))
  const views = newsOf(client, first).pipe(
    Stream.mapEffect((news) => Ref.updateAndGet(watched, (before) => take(before, news))),
    Stream.map(
      (now): Draw =>
        (size) =>
          renderWatched(now, size, colour)
    )
  )
  yield* paint(screen, views)
  const last = yield* Ref.get(watched)
  yield* printEnd(client, screen, knownTags, last)
  return last.state
})

/** It ends with the states: nothing else says that the job is over. */
const newsOf = (client: JobForge, first: JobState): Stream.Stream<News, JobForgeError> =>
  Stream.merge(followState(client, first), Stream.merge(logOf(client, first.job_id), ticks), { haltStrategy: "left" })

const logOf = (client: JobForge, id: string): Stream.Stream<News> =>
  Stream.fromAsyncIterable(client.streamLogs(id), errorOf).pipe(
    Stream.zipWithIndex,
    Stream.mapEffect(([line, index]) =>
      Effect.as(index % linesAtOnce === 0 ? Effect.sleep("1 millis") : Effect.void, {
        kind: "line",
        line
      } satisfies News)
    ),
    Stream.catchAll(({ message }) => Stream.succeed<News>({ kind: "trouble", trouble: `the log: ${message}` }))
  )

/** After so many the timers and the signals have their turn, which a flood of lines would keep from them for a second. */
const linesAtOnce = 100

const ticks: Stream.Stream<News> = Stream.fromEffect(Clock.currentTimeMillis).pipe(
  Stream.repeat(Schedule.spaced("1 second")),
  Stream.map((now): News => ({ kind: "tick", now }))
)

const printEnd = Effect.fnUntraced(function* (
  client: JobForge,
  screen: Screen,
  knownTags: ReadonlyArray<string>,
  last: Watched
) {
  const { out } = yield* Io
  const { columns } = yield* screen.size
  const { state } = last
  const summary = renderSummary(last, screen.colour).map((line) => clip(line, columns))
  const log = state.status === "SUCCEEDED" ? [] : yield* failedLog(client, state, { tail: String(logTail) })
  const action = state.status === "SUCCEEDED" ? [] : yield* nextAction(client, state.job_id)
  const lines = [...summary, ...endingLines(state, knownTags, log), ...action]
  yield* out(lines.map((line) => `${line}\n`).join(""))
})

/** Lines: the whole log is one command away. */
const logTail = 20

/** Without one the end says enough. */
const nextAction = (client: JobForge, id: string): Effect.Effect<ReadonlyArray<string>> =>
  Effect.tryPromise((signal) => client.diagnosis(id, { signal })).pipe(
    Effect.option,
    Effect.map(
      Option.match({
        onNone: () => [],
        onSome: ({ next_action: action }) => (action === "" ? [] : ["", `What to do: ${plainText(action)}`])
      })
    )
  )
