import { Schema } from "effect"
import { Attempt, Condition, JobPhase, JobStatus, Phase, Reason, Waiting } from "../domain/Status.ts"
import { openWord } from "../domain/openWord.ts"
import { Allocations } from "./Allocations.ts"
import { Holder } from "./Failures.ts"
import { JobConfig } from "./JobConfig.ts"
import { JobMetrics } from "./JobMetrics.ts"
import { WireTime } from "./WireTime.ts"

const AttemptState = Schema.Struct({
  phase: Phase,
  attempt: Schema.Int,
  test: Attempt.fields.test,
  nomad_job_id: Schema.String,
  allocation_id: Schema.optional(Schema.String),
  node: Schema.optional(Schema.String),
  intended_at: WireTime,
  started_at: Schema.optional(WireTime),
  deadline_at: Schema.optional(WireTime),
  finished_at: Schema.optional(WireTime),
  waiting: Schema.optional(Schema.String).annotations({ description: "Nomad's words on why it doesn't run yet." }),
  result: Schema.optional(Schema.Literal("succeeded", "failed", "stopped")),
  reason: Schema.optional(Reason),
  message: Schema.optional(Schema.String),
  exit_code: Schema.optional(Schema.Int),
  infrastructure: Schema.optional(Schema.Boolean).annotations({
    description: "The cluster's fault, not the job's: it is tried again."
  }),
  logs: Schema.optional(openWord(Schema.Literal("archived", "unavailable", "none")))
})

const WaitingState = Schema.Struct({
  reason: Waiting.fields.reason,
  message: Schema.String,
  holder: Schema.optional(Holder),
  position: Schema.Int.annotations({ description: "1: next." }),
  since: WireTime
})

/** All that is known of a job. */
export const JobState = Schema.Struct({
  job_id: Schema.String,
  status: JobStatus,
  config: Schema.optional(JobConfig),
  metrics: JobMetrics,
  error: Schema.optional(Schema.String),
  allocations: Allocations,
  name: Schema.String.annotations({ description: "Of the record in Consul KV; of a job that came over HTTP its id." }),
  index: Schema.Int.annotations({ description: "What to wait on: ?index=; 0 once the job is archived." }),
  generation: Schema.Int.annotations({ description: "Counts the record's changes." }),
  phase: Schema.optional(JobPhase),
  failed_phase: Schema.optional(JobPhase),
  reason: Schema.optional(Reason).annotations({ description: "Why it failed; stable, for programs." }),
  exit_code: Schema.optional(Schema.Int),
  log_tail: Schema.Array(Schema.String).annotations({
    description: "The last lines of what failed: output of the build, so untrusted."
  }),
  errors: Schema.Array(Schema.Struct({ path: Schema.String, message: Schema.String })).annotations({
    description: "What is wrong with the record as it stands now."
  }),
  commit: Schema.optional(Schema.String),
  digest: Schema.optional(Schema.String),
  image: Schema.optional(Schema.String).annotations({
    description: "The published image by its digest, once it is published."
  }),
  images: Schema.Array(Schema.String).annotations({ description: "Where the image goes, the job's own tag first." }),
  temporary_image: Schema.optional(Schema.String),
  waiting: Schema.optional(WaitingState),
  stopping: Schema.optional(Schema.Struct({ reason: Reason, message: Schema.String })),
  attempts: Schema.Array(AttemptState),
  conditions: Schema.Array(Schema.Struct({ ...Condition.fields, last_transition_time: WireTime })),
  events: Schema.Array(Schema.Struct({ at: WireTime, reason: Schema.String, message: Schema.String })),
  archived: Schema.Boolean,
  created_at: WireTime,
  updated_at: WireTime
}).annotations({ identifier: "JobState" })
export type JobState = typeof JobState.Type
