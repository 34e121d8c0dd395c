import { refusalOf } from "../domain/endRun.ts"
import { type FailedAttempt, newestOf } from "../domain/phaseState.ts"
import type { Attempt, Status } from "../domain/Status.ts"

/** The attempt whose output tells why a job failed; none while it hasn't, or when nothing of it ever ran. */
export const failingAttempt = (status: Status): FailedAttempt | undefined => {
  const { failed_phase: phase } = status
  if (status.status !== "FAILED" || phase === undefined) return undefined
  const failed = newestOf(status.attempts, phase).flatMap(failureOf)
  return (
    // The status quotes the attempt that decided; of tests that failed together the others may have another reason.
    failed.find((each) => refusalOf(phase, each).message === status.error) ??
    failed.find(({ failure }) => failure.reason === status.reason) ??
    failed[0]
  )
}

const failureOf = (attempt: Attempt): ReadonlyArray<FailedAttempt> =>
  attempt.outcome === undefined || attempt.outcome.result === "succeeded" ? [] : [{ attempt, failure: attempt.outcome }]
