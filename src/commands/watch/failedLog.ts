import { Effect } from "effect"
import type { JobState } from "../../api/JobState.ts"
import type { LogFilters } from "../../api/Requests.ts"
import { errorOf } from "../../client/errorOf.ts"
import type { JobForge } from "../../client/JobForge.ts"
import { Io } from "../Io.ts"

/** Lines of the phase that failed. A log that can't be read hides no job's end: that is said on stderr. */
export const failedLog = (
  client: JobForge,
  { failed_phase: phase, job_id: id }: JobState,
  filters: Omit<LogFilters, "phase">
): Effect.Effect<ReadonlyArray<string>, never, Io> =>
  phase === undefined
    ? Effect.succeed([])
    : Effect.tryPromise({
        try: (signal) => client.getLogs(id, { ...filters, phase }, { signal }),
        catch: errorOf
      }).pipe(
        Effect.map(({ logs }) => logs[phase]),
        Effect.catchAll(({ message }) =>
          Effect.flatMap(Io, ({ err }) => Effect.as(err(`Warning: the logs could not be read: ${message}\n`), []))
        )
      )
