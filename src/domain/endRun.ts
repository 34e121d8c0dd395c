import type { FailedAttempt } from "./phaseState.ts"
import { type Context, note, type Step } from "./Step.ts"
import type { Attempt, JobPhase, Reason, Status } from "./Status.ts"

/** A run that is over holds nothing. */
export const succeed = (step: Step, now: number): Step => ({
  ...step,
  status: note({ ...released(step.status), status: "SUCCEEDED" }, now, "Succeeded", "the image is published")
})

/** Why a run failed, as its status says it. */
export interface Refusal {
  readonly phase: JobPhase
  readonly reason: Reason
  readonly message: string
  readonly exitCode?: number
  readonly logTail?: ReadonlyArray<string>
}

export const fail = ({ snapshot }: Context, step: Step, refusal: Refusal): Step => ({
  ...step,
  status: note(
    {
      ...released(step.status),
      status: "FAILED",
      failed_phase: refusal.phase,
      reason: refusal.reason,
      error: refusal.message,
      ...(refusal.exitCode === undefined ? {} : { exit_code: refusal.exitCode }),
      ...(refusal.logTail === undefined ? {} : { log_tail: refusal.logTail })
    },
    snapshot.now,
    "Failed",
    refusal.message
  )
})

/** What the failure of a phase's step means for its run. */
export const refusalOf = (phase: JobPhase, { attempt, failure }: FailedAttempt): Refusal => ({
  phase,
  reason: failure.reason,
  message: `${title[phase]} phase failed${phase === "test" ? ` in ${testName(attempt)}` : ""}: ${failure.message}`,
  ...(failure.exit_code === undefined ? {} : { exitCode: failure.exit_code }),
  ...(failure.log_tail === undefined ? {} : { logTail: failure.log_tail })
})

const title = { build: "Build", test: "Test", publish: "Publish" } as const

const testName = ({ test, nomad_job_id }: Attempt): string =>
  test?.kind === "command" ? `job ${nomad_job_id} (command ${test.index})` : `job ${nomad_job_id} (entry point)`

/** Ends a run that was told to end, whatever became of its children. */
export const stopRun = (step: Step, { reason, message }: NonNullable<Status["stopping"]>, now: number): Step => {
  const { phase } = step.status
  return {
    ...step,
    status: note(
      {
        ...released(step.status),
        status: "FAILED",
        ...(phase === undefined ? {} : { failed_phase: phase }),
        reason,
        error: message
      },
      now,
      reason,
      message
    )
  }
}

const released = (status: Status): Status => {
  const { hindered: _hindered, phase: _phase, waiting: _waiting, ...rest } = status
  return { ...rest, slots: [] }
}
