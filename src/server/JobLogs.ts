import { Clock, Context, Effect, Layer, type Option, Stream } from "effect"
import type { ApiError } from "../http/ApiError.ts"
import { Nomad } from "../nomad/Nomad.ts"
import { type FoundJob, JobFinder } from "../store/JobFinder.ts"
import { LogArchive } from "../store/LogArchive.ts"
import { StatusWatch } from "../store/StatusWatch.ts"
import { followJob, type LogItem } from "./followJob.ts"
import { LiveLogFilter } from "./LiveLogFilter.ts"
import type { LogProgress } from "./LogCursor.ts"
import type { LogQuery } from "./LogQuery.ts"
import { type JobLines, rawLogs, readLogs } from "./readLogs.ts"

/**
 * What a job's steps wrote: with Nomad while they run, in the archive once they have ended, and from any replica. Whether
 * the caller may see the job is for whoever found it.
 */
export class JobLogs extends Context.Tag("jobforge/server/JobLogs")<
  JobLogs,
  {
    readonly read: (found: FoundJob, query: LogQuery) => Effect.Effect<JobLines, ApiError>
    /** As it was written; what was cut out of it is marked. */
    readonly raw: (found: FoundJob, query: LogQuery) => Stream.Stream<Uint8Array, ApiError>
    /** From the beginning or from where a cursor says, until the job is over; then why it ends. */
    readonly follow: (found: FoundJob, from: Option.Option<LogProgress>) => Stream.Stream<LogItem>
  }
>() {
  static readonly layer: Layer.Layer<JobLogs, never, JobFinder | LogArchive | Nomad | StatusWatch> = Layer.suspend(() =>
    Layer.effect(JobLogs, make)
  )
}

const make = Effect.gen(function* () {
  const archive = yield* LogArchive
  const filters = yield* LiveLogFilter
  const finder = yield* JobFinder
  const nomad = yield* Nomad
  const watch = yield* StatusWatch

  return JobLogs.of({
    read: Effect.fn("JobLogs.read")(function* ({ status }, query) {
      const filter = yield* filters.of(status)
      return yield* readLogs({ archive, filter, nomad }, status, query, yield* Clock.currentTimeMillis)
    }),
    raw: ({ status }, query) =>
      Stream.unwrap(
        Effect.gen(function* () {
          const filter = yield* filters.of(status)
          return rawLogs({ archive, filter, nomad }, status, query, yield* Clock.currentTimeMillis)
        })
      ),
    follow: (found, from) => followJob({ archive, filterOf: filters.of, finder, nomad, watch }, found, from)
  })
})
