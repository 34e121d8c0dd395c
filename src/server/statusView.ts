import { Struct } from "effect"
import type { PastJob } from "../api/Answers.ts"
import type { JobState } from "../api/JobState.ts"
import { wireTime } from "../api/WireTime.ts"
import { jobMetrics } from "../domain/jobMetrics.ts"
import type { Attempt, Status } from "../domain/Status.ts"
import type { FoundJob } from "../store/JobFinder.ts"
import { allocationsOf } from "./allocationsOf.ts"
import { configView } from "./configView.ts"

/** A job as every interface shows it. */
export const statusView = ({ archived, index, status }: FoundJob): JobState => ({
  job_id: jobIdOf(status),
  status: status.status,
  ...configOf(status),
  metrics: jobMetrics(status),
  ...Struct.pick(status, "error"),
  allocations: allocationsOf(status),
  name: status.name,
  index,
  generation: status.generation,
  ...Struct.pick(status, "phase"),
  ...Struct.pick(status, "failed_phase"),
  ...Struct.pick(status, "reason"),
  ...Struct.pick(status, "exit_code"),
  log_tail: status.log_tail ?? [],
  errors: status.errors ?? [],
  ...Struct.pick(status, "commit"),
  ...Struct.pick(status, "digest"),
  ...publishedImage(status),
  images: status.images,
  ...Struct.pick(status, "temporary_image"),
  ...waitingOf(status),
  ...Struct.pick(status, "stopping"),
  attempts: status.attempts.map(attemptView),
  conditions: status.conditions.map((condition) => ({
    ...condition,
    last_transition_time: wireTime(condition.last_transition_time)
  })),
  events: status.events.map((event) => ({ ...event, at: wireTime(event.at) })),
  archived,
  created_at: wireTime(beganAt(status)),
  updated_at: wireTime(status.updated_at)
})

/** The same job as one line of the history. */
export const historyView = (status: Status): PastJob => {
  const metrics = jobMetrics(status)
  return {
    id: jobIdOf(status),
    ...configOf(status),
    status: status.status,
    created_at: wireTime(beganAt(status)),
    duration: metrics.total_duration,
    metrics,
    name: status.name,
    ...Struct.pick(status, "phase"),
    ...Struct.pick(status, "failed_phase"),
    ...Struct.pick(status, "reason"),
    ...Struct.pick(status, "error"),
    ...Struct.pick(status, "digest"),
    images: status.images
  }
}

/** A record that was refused, or that the leader has not looked at yet, has no run: it is found by its name. */
export const jobIdOf = ({ job_id, name }: Pick<Status, "job_id" | "name">): string => job_id ?? name

const beganAt = ({ times, updated_at }: Status): number => times.job_start ?? updated_at

const configOf = (status: Status): Pick<JobState, "config"> =>
  status.config === undefined ? {} : { config: configView(status.config, jobIdOf(status)) }

const publishedImage = ({ config, digest, status }: Status): Pick<JobState, "image"> =>
  status === "SUCCEEDED" && config !== undefined && digest !== undefined
    ? { image: `${config.registry_url}/${config.image_name}@${digest}` }
    : {}

const waitingOf = ({ waiting }: Status): Pick<JobState, "waiting"> => {
  if (waiting === undefined) return {}
  const { holder, message, position, reason, since } = waiting
  return { waiting: { reason, message, ...(holder === undefined ? {} : { holder }), position, since: wireTime(since) } }
}

const attemptView = (attempt: Attempt): JobState["attempts"][number] => ({
  phase: attempt.phase,
  attempt: attempt.attempt,
  ...Struct.pick(attempt, "test"),
  nomad_job_id: attempt.nomad_job_id,
  ...Struct.pick(attempt, "allocation_id"),
  ...Struct.pick(attempt, "node"),
  intended_at: wireTime(attempt.intended_at),
  ...(attempt.started_at === undefined ? {} : { started_at: wireTime(attempt.started_at) }),
  ...(attempt.deadline_at === undefined ? {} : { deadline_at: wireTime(attempt.deadline_at) }),
  ...(attempt.finished_at === undefined ? {} : { finished_at: wireTime(attempt.finished_at) }),
  ...(attempt.outcome === undefined ? Struct.pick(attempt, "waiting") : outcomeView(attempt.outcome))
})

const outcomeView = (outcome: NonNullable<Attempt["outcome"]>): Partial<JobState["attempts"][number]> => ({
  result: outcome.result,
  ...(outcome.result === "succeeded"
    ? {}
    : { reason: outcome.reason, message: outcome.message, infrastructure: outcome.infrastructure }),
  ...Struct.pick(outcome, "exit_code"),
  logs: outcome.logs
})
