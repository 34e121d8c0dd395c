import { Schema } from "effect"
import type { LegacyConfig } from "./legacyConfig.ts"
import type { LegacyJob } from "./LegacyJob.ts"
import { legacySteps, type LegacyStep } from "./legacySteps.ts"
import { finalImage, finalTags } from "./ImageReference.ts"
import { addEvent } from "./run.ts"
import { shortened } from "./shortened.ts"
import { type Attempt, isTerminal, JobPhase, type Reason, type Status, type Times } from "./Status.ts"
import { summarize } from "./summarize.ts"

/** A job of the ancestor as one of this service's archive. */
export interface MovedJob {
  readonly status: Status
  readonly logs: ReadonlyArray<LegacyStep>
}

/** Whether the ancestor had more to do for it. */
export const isUnderWay = ({ status }: LegacyJob): boolean => status !== "SUCCEEDED" && status !== "FAILED"

/**
 * How a job of the ancestor ended. One that was under way has failed: its Nomad jobs carry no mark of this service, which
 * therefore neither follows nor stops them.
 *
 * `redact` takes out what the configuration said in confidence; `source`: the key that it was read from.
 */
export const legacyStatus = (
  job: LegacyJob,
  config: LegacyConfig,
  { now, redact, source }: { readonly now: number; readonly source: string; readonly redact: (text: string) => string }
): MovedJob => {
  const end = endOf(job)
  const reason = reasonOf(job)
  const failed = job.status === "SUCCEEDED" ? undefined : reason
  const logs = legacySteps(job, redact)
  const error = redact(errorOf(job))
  const status: Status = {
    name: job.id,
    generation: 1,
    hash: config.hash,
    job_id: job.id,
    status: failed === undefined ? "SUCCEEDED" : "FAILED",
    ...(failed === undefined ? {} : { reason: failed, error: shortened(error, longestError), ...failedPhaseOf(job) }),
    ...(config.job === undefined ? {} : { config: config.job }),
    images: config.job === undefined ? [] : imagesOf(job.id, config.job),
    times: timesOf(job, end),
    slots: [],
    attempts: logs.map((step) => attemptOf(job, step, { reason, error, end })),
    conditions: [],
    events: addEvent([], now, "Moved", redact(movedFrom(job, config, source))),
    updated_at: end
  }
  return { status: summarize(tailed(status, logs), [], end), logs }
}

const longestError = 4000

const imagesOf = (id: string, job: NonNullable<LegacyConfig["job"]>): ReadonlyArray<string> =>
  finalTags(id, job).map((tag) => finalImage(job, tag))

/** The time of the end that it tells, or the last thing that was written about it. */
const endOf = ({ createdAt, duration, finishedAt, metrics, updatedAt }: LegacyJob): number =>
  Math.max(createdAt, finishedAt ?? metrics.job_end ?? Math.max(updatedAt, createdAt + Math.floor(duration / 1e6)))

const timesOf = ({ createdAt, metrics }: LegacyJob, end: number): Times => ({
  ...metrics,
  job_start: metrics.job_start ?? createdAt,
  job_end: end
})

const isJobPhase = Schema.is(JobPhase)

const phaseOfStatus: Readonly<Record<LegacyJob["status"], JobPhase | undefined>> = {
  PENDING: undefined,
  BUILDING: "build",
  TESTING: "test",
  TESTING_EXTERNAL: "test",
  PUBLISHING: "publish",
  SUCCEEDED: undefined,
  FAILED: undefined
}

const failedPhase = (job: LegacyJob): JobPhase | undefined =>
  isJobPhase(job.failedPhase) ? job.failedPhase : phaseOfStatus[job.status]

const failedPhaseOf = (job: LegacyJob): { readonly failed_phase?: JobPhase } => {
  const phase = failedPhase(job)
  return phase === undefined ? {} : { failed_phase: phase }
}

const reasons: Readonly<Record<JobPhase, Reason>> = { build: "BuildFailed", test: "TestFailed", publish: "PushFailed" }

const reasonOf = (job: LegacyJob): Reason => {
  if (isUnderWay(job)) return "ChildLost"
  if (job.error.startsWith("Job killed by user")) return "Cancelled"
  if (job.error.includes("Job failed to schedule")) return "Unplaceable"
  return reasons[failedPhase(job) ?? "build"]
}

const errorOf = (job: LegacyJob): string => {
  if (!isUnderWay(job)) return job.error === "" ? "the earlier service gave no reason" : job.error
  const jobs = job.nomadJobs.length === 0 ? "" : ` (${job.nomadJobs.join(", ")})`
  return `the job was ${job.status} in the earlier service when this one took over: nobody follows it any more. Its Nomad jobs${jobs} are not touched; submit it again`
}

const movedFrom = (job: LegacyJob, { dropped, job: config, secrets }: LegacyConfig, source: string): string =>
  [
    `from ${source}, where it was ${job.status}`,
    ...(job.nomadJobs.length === 0 ? [] : [`its Nomad jobs were ${job.nomadJobs.join(", ")}`]),
    ...(config === undefined ? ["its configuration can't be read"] : []),
    ...(dropped.length === 0 ? [] : [`left out of its configuration: ${dropped.join(", ")}`]),
    ...(secrets.length === 0 ? [] : ["what its configuration said in confidence was not kept"])
  ].join("; ")

interface Ended {
  readonly reason: Reason
  readonly error: string
  readonly end: number
}

/** A step of which the ancestor kept a log. */
const attemptOf = (job: LegacyJob, step: LegacyStep, { end, error, reason }: Ended): Attempt => {
  const start = job.metrics[`${step.phase}_start`] ?? job.createdAt
  const finish = Math.max(start, job.metrics[`${step.phase}_end`] ?? end)
  const ending = { logs: "archived", log_bytes: step.bytes, log_truncated: false, at: finish } as const
  return {
    nomad_job_id: step.nomadJobId,
    phase: step.phase,
    attempt: 1,
    ...(step.test === undefined ? {} : { test: step.test }),
    intended_at: start,
    seen: true,
    started_at: start,
    finished_at: finish,
    outcome: step.failed
      ? { result: "failed", reason, message: shortened(error), infrastructure: isUnderWay(job), ...ending }
      : { result: "succeeded", exit_code: 0, ...ending }
  }
}

/** The last lines of what failed, as every failed job has them. */
const tailed = (status: Status, logs: ReadonlyArray<LegacyStep>): Status => {
  const failed = logs.find((step) => step.failed)
  if (!isTerminal(status.status) || failed === undefined) return status
  return { ...status, log_tail: failed.tail }
}
