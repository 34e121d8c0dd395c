import type { Transition } from "../api/Transition.ts"
import { wireTime } from "../api/WireTime.ts"
import { isTerminal, type JobPhase, type JobStatus, type Status } from "../domain/Status.ts"
import { jobIdOf } from "./statusView.ts"

/** A transition and its place in the order that all jobs go through. */
export interface RankedTransition {
  readonly rank: number
  readonly transition: Transition
}

/**
 * The statuses that a job has had until now, each once and in order. They follow from the status alone, so that a stream
 * that missed one in between still tells of it, with its own time.
 */
export const transitionsOf = (status: Status, index: number): ReadonlyArray<RankedTransition> => {
  const jobId = jobIdOf(status)
  const now = rankOf(status.status)
  const passed = steps.flatMap(({ phase, rank, status: step }): ReadonlyArray<RankedTransition> => {
    const at = phase === undefined ? status.times.job_start : phaseBegan(status, phase)
    const wasThere = rank === now || (rank < now && at !== undefined && status.job_id !== undefined)
    if (!wasThere) return []
    return [
      {
        rank,
        transition: {
          job_id: jobId,
          status: step,
          ...(phase === undefined ? {} : { phase }),
          timestamp: wireTime(at ?? status.updated_at),
          index
        }
      }
    ]
  })
  return isTerminal(status.status) ? [...passed, { rank: now, transition: ending(status, jobId, index) }] : passed
}

const ending = (status: Status, job_id: string, index: number): Transition => ({
  job_id,
  status: status.status,
  ...(status.phase === undefined ? {} : { phase: status.phase }),
  ...(status.failed_phase === undefined ? {} : { failed_phase: status.failed_phase }),
  timestamp: wireTime(status.times.job_end ?? status.updated_at),
  ...(status.reason === undefined ? {} : { reason: status.reason }),
  ...(status.error === undefined ? {} : { error: status.error }),
  index
})

const steps: ReadonlyArray<{ readonly rank: number; readonly status: JobStatus; readonly phase?: JobPhase }> = [
  { rank: 0, status: "PENDING" },
  { rank: 1, status: "BUILDING", phase: "build" },
  { rank: 2, status: "TESTING", phase: "test" },
  { rank: 3, status: "PUBLISHING", phase: "publish" }
]

const lastRank = 4

const rankOf = (status: JobStatus): number => steps.find((step) => step.status === status)?.rank ?? lastRank

const phaseBegan = ({ attempts }: Status, phase: JobPhase): number | undefined => {
  const intended = attempts.flatMap((attempt) => (attempt.phase === phase ? [attempt.intended_at] : []))
  return intended.length === 0 ? undefined : Math.min(...intended)
}
