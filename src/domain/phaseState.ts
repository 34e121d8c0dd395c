import { Array as Arr, Data } from "effect"
import type { Attempt, Failure, Phase, TestRef } from "./Status.ts"

/** Where a phase stands, by the newest attempt of each of its steps. */
export type PhaseState = Data.TaggedEnum<{
  NotStarted: {}
  /** At least one step is under way. */
  Active: {}
  /** Every step succeeded. */
  Done: { readonly attempts: ReadonlyArray<Attempt> }
  /** Nothing runs; these steps failed by the infrastructure's fault and may be tried again at `at`. */
  Retry: { readonly attempts: Arr.NonEmptyReadonlyArray<FailedAttempt>; readonly at: number }
  /** Nothing runs, and this failure is final. */
  Failed: { readonly attempt: Attempt; readonly failure: Failure }
}>
export const PhaseState = Data.taggedEnum<PhaseState>()

/**
 * The state of a phase. A failure waits until the phase's other steps have ended, so that the logs of all of them
 * are there when the job fails.
 */
export const phaseState = (
  attempts: ReadonlyArray<Attempt>,
  phase: Phase,
  limits: { readonly maxAttempts: number; readonly retryBackoff: number }
): PhaseState => {
  const newest = newestOf(attempts, phase)
  if (newest.length === 0) return PhaseState.NotStarted()
  if (newest.some(({ outcome }) => outcome === undefined)) return PhaseState.Active()
  const failed = newest.flatMap(failureOf)
  if (!Arr.isNonEmptyReadonlyArray(failed)) return PhaseState.Done({ attempts: newest })
  const final = failed.find(({ attempt, failure }) => !failure.infrastructure || attempt.attempt >= limits.maxAttempts)
  if (final !== undefined) return PhaseState.Failed(final)
  const at = Math.max(...failed.map(({ attempt, failure }) => failure.at + pause(attempt, limits.retryBackoff)))
  return PhaseState.Retry({ attempts: failed, at })
}

/** An attempt together with what went wrong with it. */
export interface FailedAttempt {
  readonly attempt: Attempt
  readonly failure: Failure
}

const failureOf = (attempt: Attempt): ReadonlyArray<FailedAttempt> =>
  attempt.outcome === undefined || attempt.outcome.result === "succeeded" ? [] : [{ attempt, failure: attempt.outcome }]

/** The attempts of a phase that count: of each step the last one. */
export const newestOf = <A extends Pick<Attempt, "phase" | "attempt" | "test">>(
  attempts: ReadonlyArray<A>,
  phase: Phase
): ReadonlyArray<A> => {
  const byStep = new Map<string, A>()
  for (const attempt of attempts) {
    if (attempt.phase !== phase) continue
    const step = stepKey(attempt.test)
    if ((byStep.get(step)?.attempt ?? 0) < attempt.attempt) byStep.set(step, attempt)
  }
  return [...byStep.values()]
}

const stepKey = (test: TestRef | undefined): string => {
  if (test === undefined) return ""
  return test.kind === "command" ? `command ${test.index}` : "entry point"
}

/** Doubles with each attempt, and differs by child so that a recovering cluster isn't hit by all at once. */
const pause = (attempt: Attempt, backoff: number): number => {
  const spread = Buffer.from(attempt.nomad_job_id).reduce((sum, byte) => (sum * 31 + byte) % 1000, 7)
  return Math.round(backoff * 2 ** (attempt.attempt - 1) * (1 + spread / 4000))
}
