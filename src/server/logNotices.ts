import type { Attempt } from "../domain/Status.ts"
import { isSameStep, type JobAttempt, phases } from "./LogQuery.ts"
import { taskName } from "./liveLog.ts"

/** What there is to say about an attempt whose log is not all there, a line each; so that nothing is silently empty. */
export const noAllocation = "No allocations found - job may have failed to schedule"

export const failedToGet = (attempt: JobAttempt, attempts: ReadonlyArray<Attempt>, why: string): string =>
  `Failed to get logs for ${stepName(attempt, attempts)} (${attempt.nomad_job_id}): ${why}`

/** Of an attempt that has ended; `lines`: whether any line of it was found. */
export const endNotices = (
  attempt: JobAttempt,
  attempts: ReadonlyArray<Attempt>,
  lines: boolean
): ReadonlyArray<string> => {
  const { outcome } = attempt
  if (outcome === undefined) return []
  if (outcome.logs === "unavailable") return [failedToGet(attempt, attempts, "Nomad did not hand them out in time")]
  if (lines) return []
  if (outcome.log_bytes > 0) return [failedToGet(attempt, attempts, "the archive no longer keeps them")]
  if (attempt.allocation_id === undefined) return [noAllocation]
  if (outcome.result === "succeeded") return []
  return [
    `Allocation ${attempt.allocation_id} failed`,
    `Task ${taskName} failed in state: dead`,
    `Task ${taskName} event: ${outcome.reason} - ${outcome.message}`
  ]
}

/** Of one that has not been placed yet. */
export const waitingNotices = ({ waiting }: JobAttempt): ReadonlyArray<string> => [
  noAllocation,
  ...(waiting === undefined ? [] : [waiting])
]

/** What stands above an attempt's lines; none where there is only one that they can be of. */
export const sectionHeader = (attempt: JobAttempt, attempts: ReadonlyArray<Attempt>): string | undefined => {
  if (attempt.phase === "test") return `=== Test Job ${testNumber(attempt, attempts)} (${attempt.nomad_job_id}) ===`
  const tries = attempts.filter((other) => isSameStep(other, attempt)).length
  return tries > 1
    ? `=== ${titles[attempt.phase]} Job, attempt ${attempt.attempt} (${attempt.nomad_job_id}) ===`
    : undefined
}

const titles = { build: "Build", publish: "Publish" }

const stepName = (attempt: JobAttempt, attempts: ReadonlyArray<Attempt>): string =>
  attempt.phase === "test" ? `test job ${testNumber(attempt, attempts)}` : `${attempt.phase} job`

/** Commands have their places in the configuration, counted from 0; the entry point comes after them. */
const testNumber = ({ test }: JobAttempt, attempts: ReadonlyArray<Attempt>): number => {
  if (test?.kind === "command") return test.index
  return attempts.reduce(
    (next, { test: other }) => (other?.kind === "command" ? Math.max(next, other.index + 1) : next),
    0
  )
}

/** Whether `earlier` has to be told whole before `later` begins. */
export const comesBefore = (earlier: JobAttempt, later: JobAttempt): boolean =>
  phases.indexOf(earlier.phase) < phases.indexOf(later.phase) ||
  (isSameStep(earlier, later) && earlier.attempt < later.attempt)
