import { Duration } from "effect"
import type { JobState } from "../../api/JobState.ts"
import type { JobPhase } from "../../domain/Status.ts"

/** How one phase of a job went. */
export interface PhaseRecord {
  readonly phase: JobPhase
  readonly status: "RUNNING" | "SUCCEEDED" | "FAILED"
  readonly startedAt?: Date
  readonly completedAt?: Date
  readonly duration: Duration.Duration
}

/** The phases that a job came to, in their order; the one that it failed in even if nothing of it ever ran. */
export const phaseRecords = (state: JobState): ReadonlyArray<PhaseRecord> =>
  (["build", "test", "publish"] as const)
    .filter((phase) => state.metrics[`${phase}_start`] !== undefined || state.failed_phase === phase)
    .map((phase) => {
      const start = state.metrics[`${phase}_start`]
      const end = state.metrics[`${phase}_end`] ?? state.metrics.job_end
      return {
        phase,
        status: statusOf(state, phase),
        ...(start === undefined ? {} : { startedAt: new Date(start) }),
        ...(start === undefined || end === undefined ? {} : { completedAt: new Date(end) }),
        duration:
          start === undefined || end === undefined
            ? Duration.zero
            : Duration.millis(Math.max(0, Date.parse(end) - Date.parse(start)))
      }
    })

const statusOf = (state: JobState, phase: JobPhase): PhaseRecord["status"] => {
  if (state.status === "SUCCEEDED") return "SUCCEEDED"
  if (state.failed_phase === phase) return "FAILED"
  const results = newestResults(state, phase)
  if (results.length > 0 && results.every((result) => result === "succeeded")) return "SUCCEEDED"
  return state.status === "FAILED" ? "FAILED" : "RUNNING"
}

/** Of each of the phase's steps that of its last attempt. */
const newestResults = ({ attempts }: JobState, phase: JobPhase): ReadonlyArray<string | undefined> =>
  Object.values(
    Object.fromEntries(
      attempts
        .filter((attempt) => attempt.phase === phase)
        .toSorted((a, b) => a.attempt - b.attempt)
        .map(({ result = "", test }) => [JSON.stringify(test ?? {}), result])
    )
  )
