import { Schema } from "effect"
import { JobPhase, JobStatus } from "../domain/Status.ts"
import { WireTime } from "./WireTime.ts"

/** One line of a job's log, as a WebSocket's frame or an event stream's data has it. */
export const LogEvent = Schema.Struct({
  job_id: Schema.String,
  phase: JobPhase,
  timestamp: WireTime.annotations({ description: "When it was sent: Nomad notes no time for a line." }),
  level: Schema.Literal("INFO", "WARN").annotations({ description: "WARN: the service's own words about the log." }),
  message: Schema.String.annotations({
    description: "`[main/stdout] …` or `[main/stderr] …`. Untrusted: whatever the build or the test wrote."
  }),
  attempt: Schema.Int.annotations({ description: "Counted from 1 for each step." }),
  test: Schema.optional(Schema.Union(Schema.NonNegativeInt, Schema.Literal("entry-point"))).annotations({
    description: "The position of the test's command in the configuration, or its entry point."
  }),
  nomad_job_id: Schema.String,
  stream: Schema.Literal("stdout", "stderr", "notice"),
  offset: Schema.NonNegativeInt.annotations({ description: "Bytes of the stream before this line." }),
  cursor: Schema.String.annotations({ description: "Give it back as `from` to go on behind this line." })
}).annotations({ identifier: "LogEvent" })
export type LogEvent = typeof LogEvent.Type

/** Of what the service itself has built: to check each of a log's lines once more would cost as much as all the rest. */
export const logEventText = (event: typeof LogEvent.Encoded): string => JSON.stringify(event)

/** Why no more lines follow. */
export const LogEnd = Schema.Struct({
  job_id: Schema.String,
  /**
   * `not found`: the job was deleted. `superseded`: its record has a newer run. `shutdown`: this replica stops; go on with
   * another. `slow reader`: what was sent was not read for too long.
   */
  reason: Schema.Literal("succeeded", "failed", "cancelled", "not found", "superseded", "shutdown", "slow reader"),
  status: Schema.optional(JobStatus),
  cursor: Schema.String
}).annotations({ identifier: "LogEnd" })
export type LogEnd = typeof LogEnd.Type
