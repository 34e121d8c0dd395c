import { Chunk, Effect, Option, Stream } from "effect"
import type { LogEnd } from "../api/LogEvent.ts"
import type { FoundJob } from "../store/JobFinder.ts"
import type { LogItem } from "./followJob.ts"
import { JobLogs } from "./JobLogs.ts"
import { decodeCursor, type LogProgress, runOf, startCursor } from "./LogCursor.ts"
import { badRequest, type Refused } from "./Refused.ts"
import { Stopping } from "./Stopping.ts"

/** Where a reader wants to go on; from the beginning without a cursor. */
export const readCursor = (
  field: string,
  text: string | undefined
): Effect.Effect<Option.Option<LogProgress>, Refused> => {
  if (text === undefined || text === "") return Effect.succeedNone
  const progress = decodeCursor(text)
  return Option.isSome(progress)
    ? Effect.succeed(progress)
    : Effect.fail(badRequest(`${field} is no cursor of a log; give back the cursor of the last line, or leave it out`))
}

/** Whether the reader has had all of this very run. */
export const hasHadAll = ({ status }: FoundJob, from: Option.Option<LogProgress>): boolean =>
  Option.exists(from, ({ ended, run }) => ended && run === runOf(status.job_id))

/** A job's log up to its end or the service's, whichever comes first. */
export const followUntilStopped = (
  found: FoundJob,
  from: Option.Option<LogProgress>,
  cursor: string | undefined
): Stream.Stream<LogItem, never, JobLogs | Stopping> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const { follow } = yield* JobLogs
      const { signal } = yield* Stopping
      const { status } = found
      let last: LogItem | undefined
      const shutdown = (): LogEnd => ({
        job_id: status.job_id ?? status.name,
        reason: "shutdown",
        cursor: last?.kind === "line" ? last.event.cursor : (cursor ?? startCursor(status.job_id))
      })
      return follow(found, from).pipe(
        Stream.interruptWhen(signal),
        // What was interrupted was not sent: only what comes through here was. A batch of lines stays one: taken apart,
        // each line would be a write of its own, for each reader.
        Stream.mapChunks((items) => {
          last = Option.getOrElse(Chunk.last(items), () => last)
          return items
        }),
        Stream.concat(
          Stream.suspend(() =>
            last?.kind === "end" ? Stream.empty : Stream.make({ kind: "end" as const, end: shutdown() })
          )
        )
      )
    })
  )

/** One value of a URL's query; given twice it is nobody's guess. */
export const oneOf = (
  parameters: Readonly<Record<string, string | ReadonlyArray<string>>>,
  name: string
): Effect.Effect<string | undefined, Refused> => {
  const value = parameters[name]
  if (value === undefined || typeof value === "string") return Effect.succeed(value)
  return Effect.fail(badRequest(`${name} is given more than once`))
}
