import { Schema } from "effect"
import { jobIdOf } from "../statusView.ts"
import { JobPhase, JobStatus, Reason, type Status, Timestamp } from "../../domain/Status.ts"

/** A job as an agent needs it to decide what to do: how it stands, not how it came there. */
export const JobSummary = Schema.Struct({
  job_id: Schema.String,
  status: JobStatus,
  owner: Schema.optional(Schema.String),
  phase: Schema.optional(JobPhase).annotations({ description: "What it is doing." }),
  waiting: Schema.optional(Schema.String).annotations({ description: "What it waits for before it goes on." }),
  failed_phase: Schema.optional(JobPhase),
  reason: Schema.optional(Reason),
  error: Schema.optional(Schema.String),
  exit_code: Schema.optional(Schema.Int),
  commit: Schema.optional(Schema.String).annotations({ description: "The commit that git_ref was." }),
  digest: Schema.optional(Schema.String).annotations({ description: "Of the published image." }),
  images: Schema.Array(Schema.String).annotations({ description: "The image's names, once it is published." }),
  started_at: Schema.optional(Timestamp),
  ended_at: Schema.optional(Timestamp)
})
export type JobSummary = typeof JobSummary.Type

export const jobSummary = (status: Status): JobSummary => ({
  job_id: jobIdOf(status),
  status: status.status,
  ...given("owner", status.config?.owner),
  ...given("phase", status.phase),
  ...given("waiting", waitsFor(status)),
  ...given("failed_phase", status.failed_phase),
  ...given("reason", status.reason),
  ...given("error", status.error),
  ...given("exit_code", status.exit_code),
  ...given("commit", status.commit),
  ...given("digest", status.digest),
  images: status.status === "SUCCEEDED" ? status.images : [],
  ...given("started_at", status.times.job_start),
  ...given("ended_at", status.times.job_end)
})

/** One line for people. */
export const progressLine = (status: Status): string => {
  const doing = status.phase === undefined ? "" : ` (${status.phase})`
  const waiting = waitsFor(status)
  return `${status.status}${doing}${waiting === undefined ? "" : `: ${waiting}`}`
}

const waitsFor = ({ attempts, hindered, waiting }: Status): string | undefined =>
  hindered?.message ??
  waiting?.message ??
  attempts.find((attempt) => attempt.outcome === undefined && attempt.waiting !== undefined)?.waiting

const given = <K extends string, A>(key: K, value: A | undefined): { readonly [P in K]?: A } => {
  const some: { [P in K]?: A } = {}
  if (value !== undefined) some[key] = value
  return some
}
