import { Schema } from "effect"
import { JobPhase, JobStatus, Reason } from "../domain/Status.ts"

const Lines = Schema.Array(Schema.String)

export const WebhookLogs = Schema.Struct({ build: Lines, test: Lines, publish: Lines })
export type WebhookLogs = typeof WebhookLogs.Type

/** What a receiver of webhooks is sent. Logs and duration come with the job's end. */
export const WebhookPayload = Schema.Struct({
  event: Schema.String,
  /** Of a repetition the same. */
  delivery_id: Schema.String,
  job_id: Schema.String,
  /** As of the event: SUCCEEDED is said once, by job.completed. */
  status: JobStatus,
  timestamp: Schema.String,
  /** Nanoseconds. */
  duration: Schema.optional(Schema.Int),
  owner: Schema.String,
  repo_url: Schema.String,
  git_ref: Schema.String,
  image_name: Schema.String,
  image_tags: Lines,
  phase: Schema.optional(JobPhase),
  error: Schema.optional(Schema.String),
  reason: Schema.optional(Reason),
  digest: Schema.optional(Schema.String),
  images: Lines,
  metrics: Schema.Struct({
    job_start: Schema.optional(Schema.String),
    build_start: Schema.optional(Schema.String),
    build_end: Schema.optional(Schema.String),
    test_start: Schema.optional(Schema.String),
    test_end: Schema.optional(Schema.String),
    publish_start: Schema.optional(Schema.String),
    publish_end: Schema.optional(Schema.String),
    job_end: Schema.optional(Schema.String),
    build_duration: Schema.Int,
    test_duration: Schema.Int,
    publish_duration: Schema.Int,
    total_duration: Schema.Int,
    resource_usage: Schema.Struct({ max_cpu: Schema.Int, max_memory: Schema.Int, disk_used: Schema.Int })
  }),
  logs: Schema.optional(WebhookLogs),
  /** Lines were left out of `logs`: the whole can be asked for at the service. */
  logs_truncated: Schema.optional(Schema.Boolean)
}).annotations({ identifier: "WebhookPayload" })
export type WebhookPayload = typeof WebhookPayload.Type

export const encodePayload: (payload: WebhookPayload) => string = Schema.encodeSync(Schema.parseJson(WebhookPayload))
