import { Duration } from "effect"
import type { JobState } from "../../api/JobState.ts"
import type { JobInput } from "../../api/Requests.ts"
import type { JobPhase, JobStatus } from "../../domain/Status.ts"
import { type PhaseRecord, phaseRecords } from "./phaseRecords.ts"
import { redactorOf, withoutSecrets } from "./withoutSecrets.ts"

/** What the local history tells of one build. Nothing in it is secret. */
export interface BuildRecord {
  readonly jobId: string
  readonly submittedAt: Date
  readonly startedAt?: Date
  readonly completedAt?: Date
  readonly status: JobStatus
  readonly branch: string
  readonly gitRef: string
  readonly purpose?: string
  readonly error?: string
  readonly failedPhase?: JobPhase
  readonly config: Readonly<Record<string, unknown>>
  readonly phases: ReadonlyArray<PhaseRecord>
  readonly duration: Duration.Duration
  readonly registry: string
  readonly image: string
  /** The job's own tag first. */
  readonly tags: ReadonlyArray<string>
}

/** Of a job that was just accepted. */
export const submittedRecord = (jobId: string, job: JobInput, submittedAt: Date): BuildRecord => {
  const gitRef = job.git_ref ?? "main"
  const purpose = job.labels?.["purpose"]
  return {
    jobId,
    submittedAt,
    status: "PENDING",
    branch: branchOf(gitRef),
    gitRef,
    ...(purpose === undefined ? {} : { purpose }),
    config: withoutSecrets(job, redactorOf(job)),
    phases: [],
    duration: Duration.zero,
    registry: job.registry_url,
    image: job.image_name,
    tags: [jobId, ...(job.image_tags ?? []).filter((tag) => tag !== jobId)]
  }
}

/** Of a job that has ended. */
export const endedRecord = (record: BuildRecord, job: JobInput, state: JobState): BuildRecord => {
  const { job_end: end, job_start: start } = state.metrics
  const error = state.status === "FAILED" ? (state.error ?? state.reason) : undefined
  return {
    ...record,
    ...(start === undefined ? {} : { startedAt: new Date(start) }),
    ...(end === undefined ? {} : { completedAt: new Date(end) }),
    status: state.status,
    ...(error === undefined ? {} : { error: redactorOf(job).text(error) }),
    ...(state.failed_phase === undefined ? {} : { failedPhase: state.failed_phase }),
    phases: phaseRecords(state),
    duration: start === undefined || end === undefined ? Duration.zero : between(start, end)
  }
}

/** The short name of what a full ref names. */
export const branchOf = (gitRef: string): string => gitRef.replace(/^refs\/(?:heads|tags)\//, "") || "unknown"

const between = (start: string, end: string): Duration.Duration =>
  Duration.millis(Math.max(0, Date.parse(end) - Date.parse(start)))
