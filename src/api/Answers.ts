import { Schema } from "effect"
import { JobPhase, JobStatus, Reason } from "../domain/Status.ts"
import { JobConfig } from "./JobConfig.ts"
import { JobMetrics } from "./JobMetrics.ts"
import { Nanoseconds, WireTime } from "./WireTime.ts"

export const Submitted = Schema.Struct({ job_id: Schema.String, status: JobStatus }).annotations({
  identifier: "Submitted"
})
export type Submitted = typeof Submitted.Type

/** What became of a kill, a retry or a purge. */
export const Done = Schema.Struct({
  job_id: Schema.String,
  success: Schema.Boolean,
  message: Schema.String,
  status: Schema.optional(JobStatus).annotations({ description: "Of the job when this was answered." })
}).annotations({ identifier: "Done" })
export type Done = typeof Done.Type

export const Cleaned = Schema.Struct({
  success: Schema.Boolean,
  cleaned_jobs: Schema.Array(Schema.String),
  message: Schema.String
}).annotations({ identifier: "Cleaned" })
export type Cleaned = typeof Cleaned.Type

/** One line of the history. */
export const PastJob = Schema.Struct({
  id: Schema.String,
  config: Schema.optional(JobConfig),
  status: JobStatus,
  created_at: WireTime,
  duration: Nanoseconds,
  metrics: JobMetrics,
  name: Schema.String,
  phase: Schema.optional(JobPhase),
  failed_phase: Schema.optional(JobPhase),
  reason: Schema.optional(Reason),
  error: Schema.optional(Schema.String),
  digest: Schema.optional(Schema.String),
  images: Schema.Array(Schema.String)
}).annotations({ identifier: "PastJob" })
export type PastJob = typeof PastJob.Type

export const History = Schema.Struct({
  jobs: Schema.Array(PastJob).annotations({ description: "Newest first, under way and ended alike." }),
  total: Schema.Int.annotations({ description: "All that the filter lets through, not only this page." })
}).annotations({ identifier: "History" })
export type History = typeof History.Type

const Lines = Schema.Array(Schema.String).annotations({ description: "Output of the job, so untrusted." })

export const JobLog = Schema.Struct({
  job_id: Schema.String,
  logs: Schema.Struct({ build: Lines, test: Lines, publish: Lines })
}).annotations({ identifier: "JobLog" })
export type JobLog = typeof JobLog.Type

export const Health = Schema.Struct({
  status: Schema.Literal("healthy", "unhealthy"),
  services: Schema.Record({ key: Schema.String, value: Schema.String }),
  leader: Schema.optional(Schema.Struct({ address: Schema.NullOr(Schema.String), self: Schema.Boolean })),
  timestamp: WireTime
}).annotations({ identifier: "Health" })
export type Health = typeof Health.Type

export const Readiness = Schema.Struct({ status: Schema.String, timestamp: WireTime }).annotations({
  identifier: "Readiness"
})
