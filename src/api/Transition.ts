import { Schema } from "effect"
import { JobPhase, JobStatus, Reason } from "../domain/Status.ts"
import { WireTime } from "./WireTime.ts"

/** A job's change from one status to the next, as its event stream tells it. */
export const Transition = Schema.Struct({
  job_id: Schema.String,
  status: JobStatus,
  phase: Schema.optional(JobPhase),
  failed_phase: Schema.optional(JobPhase),
  timestamp: WireTime,
  reason: Schema.optional(Reason),
  error: Schema.optional(Schema.String),
  index: Schema.Int.annotations({ description: "Of the status that this was seen in." })
}).annotations({ identifier: "Transition" })
export type Transition = typeof Transition.Type

/** Why an event stream ends, in its last event. */
export const StreamEnd = Schema.Struct({
  job_id: Schema.String,
  /**
   * `finished`: the job is over. `superseded`: the record has a newer run. `gone`: the job was deleted. `shutdown`: this
   * replica stops; ask again, another answers. `unavailable`: Consul doesn't answer; ask again.
   */
  reason: Schema.Literal("finished", "superseded", "gone", "shutdown", "unavailable")
}).annotations({ identifier: "StreamEnd" })
export type StreamEnd = typeof StreamEnd.Type
