import type { BuildJob } from "./BuildJob.ts"
import { newestOf } from "./phaseState.ts"
import type { JobPhase, Status } from "./Status.ts"

/** What a webhook is told of. */
export type WebhookEvent = `${JobPhase}.${"started" | "completed" | "failed"}` | "job.completed" | "job.failed"

/**
 * What a step from one status to the next means, in order. It follows from the two alone: what a status that nobody wrote
 * would have told is told with the next one that is written, and nothing is told twice.
 *
 * A status of another run brings all of its own; what the former run has come to meanwhile is a step of its own.
 */
export const webhookEvents = (before: Status | undefined, after: Status): ReadonlyArray<WebhookEvent> => {
  const told = before === undefined || before.job_id !== after.job_id ? [] : eventsOf(before)
  return eventsOf(after).filter((event) => !told.includes(event))
}

/** Whether the job wants to be told: of how it went well or badly only where it says nothing else, of the rest always. */
export const isWebhookWanted = (
  { webhook_on_failure: onFailure = true, webhook_on_success: onSuccess = true }: BuildJob,
  event: WebhookEvent
): boolean => {
  if (event === "job.completed") return onSuccess
  return event.endsWith(".failed") ? onFailure : true
}

/** All that a run has come to. It only grows while the run goes on, however often a phase is tried. */
const eventsOf = (status: Status): ReadonlyArray<WebhookEvent> => {
  // What is no run, since its record can't be one, has nobody to tell.
  if (status.job_id === undefined) return []
  const reached = phaseReached(status)
  return [
    ...(reached === undefined ? [] : phaseEvents(status, reached)),
    ...(status.status === "SUCCEEDED" ? ["job.completed" as const] : []),
    ...(status.status === "FAILED" ? ["job.failed" as const] : [])
  ]
}

const phaseEvents = (status: Status, reached: JobPhase): ReadonlyArray<WebhookEvent> => [
  ...phasesBefore[reached].flatMap((phase) => [`${phase}.started` as const, `${phase}.completed` as const]),
  `${reached}.started`,
  ...ending(status, reached)
]

/**
 * The last phase that was begun. A run that ends before its build has a place in Nomad never began one, unless the build
 * itself is what failed.
 */
const phaseReached = (status: Status): JobPhase | undefined => {
  switch (status.status) {
    case "PENDING":
      return undefined
    case "BUILDING":
      return "build"
    case "TESTING":
      return "test"
    case "PUBLISHING":
      return "publish"
    case "SUCCEEDED":
      return status.attempts.some(({ phase }) => phase === "publish") ? "publish" : "build"
    case "FAILED":
      return status.attempts.length === 0 ? undefined : status.failed_phase
  }
}

/** Without tests there is no publish phase: the build publishes by itself. */
const phasesBefore: Readonly<Record<JobPhase, ReadonlyArray<JobPhase>>> = {
  build: [],
  test: ["build"],
  publish: ["build", "test"]
}

/** A run that was told to end can do so between two phases, when the one before has done its work. */
const ending = (status: Status, phase: JobPhase): ReadonlyArray<WebhookEvent> => {
  if (status.status === "SUCCEEDED") return [`${phase}.completed`]
  if (status.status !== "FAILED") return []
  const steps = newestOf(status.attempts, phase)
  const done = steps.length > 0 && steps.every(({ outcome }) => outcome?.result === "succeeded")
  return [done ? `${phase}.completed` : `${phase}.failed`]
}
