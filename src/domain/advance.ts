import { Option } from "effect"
import { admit } from "./admit.ts"
import { fail, refusalOf, stopRun, succeed } from "./endRun.ts"
import { judgeAttempt } from "./judgeAttempt.ts"
import { type PhaseState, phaseState } from "./phaseState.ts"
import { resolveJob, testCases } from "./resolve.ts"
import { buildAttempt, cleanupAttempt, nextAttempt, publishAttempt, testAttempts } from "./run.ts"
import { shortened } from "./shortened.ts"
import { buildSlot } from "./slots.ts"
import type { Snapshot } from "./Snapshot.ts"
import { type Context, note, start, type Step } from "./Step.ts"
import { type Attempt, isTerminal, type JobPhase, type JobStatus, type Status } from "./Status.ts"

/** Takes a run one step further: judges its children, and starts what their ends allow. */
export const advance = (snapshot: Snapshot, status: Status): Step => {
  if (status.config === undefined || status.job_id === undefined) return { status, actions: [], due: [] }
  const context: Context = {
    snapshot,
    jobId: status.job_id,
    job: resolveJob(status.config, snapshot.policy.defaults)
  }
  const judged = judgeAll(context, withStops(status, snapshot.now))
  const moved = isTerminal(status.status) ? judged : movePhase(context, judged)
  if (isTerminal(moved.status.status)) return cleanUp(context, moved)
  return { ...moved, due: [...moved.due, ...deadlineOf(moved.status)] }
}

const deadlineOf = ({ deadline_at: at, stopping }: Status): ReadonlyArray<number> =>
  at === undefined || stopping !== undefined ? [] : [at]

/** A run that is to end stops every child that is under way, but what cleans up after it. */
const withStops = (status: Status, now: number): Status => {
  const { stopping } = status
  if (stopping === undefined || isTerminal(status.status)) return status
  return {
    ...status,
    attempts: status.attempts.map((attempt) =>
      attempt.outcome === undefined && attempt.stop === undefined
        ? { ...attempt, stop: { ...stopping, at: now } }
        : attempt
    )
  }
}

const judgeAll = ({ snapshot, job }: Context, status: Status): Step => {
  const judgements = status.attempts.map((attempt) =>
    attempt.outcome === undefined
      ? judgeAttempt(snapshot, job, attempt)
      : { attempt, actions: [], due: Option.none<number>() }
  )
  return {
    status: { ...status, attempts: judgements.map(({ attempt }) => attempt) },
    actions: judgements.flatMap(({ actions }) => actions),
    due: judgements.flatMap(({ due }) => Option.toArray(due))
  }
}

const phaseOf = (status: JobStatus): JobPhase =>
  status === "TESTING" ? "test" : status === "PUBLISHING" ? "publish" : "build"

const movePhase = (context: Context, step: Step): Step => {
  const phase = phaseOf(step.status.status)
  const state = phaseState(step.status.attempts, phase, context.snapshot.policy)
  // A run that is to end starts nothing, neither for the first time nor again, and asks no more why something failed.
  const { stopping } = step.status
  if (stopping !== undefined && state._tag !== "Active" && state._tag !== "Done") {
    return stopRun(step, stopping, context.snapshot.now)
  }
  switch (state._tag) {
    case "NotStarted":
      return enter(context, step, phase)
    case "Active":
      return { ...step, status: underWay(step.status, phase) }
    case "Retry":
      return retry(context, step, state)
    case "Failed":
      return fail(context, step, refusalOf(phase, state))
    case "Done":
      return phaseDone(context, step, phase, state.attempts)
  }
}

/** PENDING until the build has a place to run in. */
const underWay = (status: Status, phase: JobPhase): Status => {
  const placed = status.attempts.some((attempt) => attempt.phase === phase && attempt.allocation_id !== undefined)
  return status.status === "PENDING" && placed ? { ...status, status: "BUILDING", phase: "build" } : status
}

const retry = (context: Context, step: Step, state: Extract<PhaseState, { _tag: "Retry" }>): Step => {
  const { now } = context.snapshot
  if (now < state.at) return { ...step, due: [...step.due, state.at] }
  const [{ attempt, failure }] = state.attempts
  const noted = note(step.status, now, "Retrying", `${attempt.phase}: ${failure.message}`)
  return start(
    { ...step, status: { ...noted, attempts: noted.attempts.map(condensed) } },
    state.attempts.map((failed) => nextAttempt(context.jobId, failed.attempt, now))
  )
}

/** Of an attempt that another follows, the status keeps the gist: the archive has the rest, and a status has a limit. */
const condensed = (attempt: Attempt): Attempt => {
  if (attempt.outcome === undefined || attempt.outcome.result === "succeeded") return attempt
  const { log_tail: _tail, ...outcome } = attempt.outcome
  return { ...attempt, outcome: { ...outcome, message: shortened(outcome.message, 100) } }
}

const phaseDone = (context: Context, step: Step, phase: JobPhase, attempts: ReadonlyArray<Attempt>): Step => {
  const { now } = context.snapshot
  const status = phase === "build" ? withResult(context, step.status, attempts) : step.status
  const done = { ...step, status: note(status, now, completed[phase], `${phase} succeeded`) }
  if (phase === "publish" || (phase === "build" && testCases(context.job).length === 0)) return succeed(done, now)
  // What is published stays published; anything before that ends here.
  if (status.stopping !== undefined) return stopRun(done, status.stopping, now)
  const next = phase === "build" ? ({ status: "TESTING", phase: "test" } as const) : publishing
  return enter(context, { ...done, status: { ...withoutBuildSlot(context, done.status), ...next } }, next.phase)
}

const withoutBuildSlot = ({ job }: Context, status: Status): Status => {
  const held = buildSlot(job)
  return { ...status, slots: status.slots.filter((slot) => slot !== held) }
}

/** Starts a phase: tests at once, the others when what they need is free. */
const enter = (context: Context, step: Step, phase: JobPhase): Step => {
  const attempts = firstAttempts(context, phase)
  return phase === "test" ? start(step, attempts) : admit(context, step, phase, attempts)
}

const publishing = { status: "PUBLISHING", phase: "publish" } as const

const firstAttempts = ({ jobId, job, snapshot }: Context, phase: JobPhase): ReadonlyArray<Attempt> => {
  switch (phase) {
    case "build":
      return [buildAttempt(jobId, 1, snapshot.now)]
    case "test":
      return testAttempts(jobId, job, snapshot.now)
    case "publish":
      return [publishAttempt(jobId, 1, snapshot.now)]
  }
}

const completed = { build: "BuildCompleted", test: "TestsPassed", publish: "Published" } as const

/** The digest is the build's word: tests and publish refer to it. */
const withResult = ({ snapshot }: Context, status: Status, attempts: ReadonlyArray<Attempt>): Status =>
  attempts.reduce(
    (current, attempt) =>
      Option.match(
        Option.flatMap(Option.fromNullable(snapshot.collected.get(attempt.nomad_job_id)), ({ result }) => result),
        {
          onNone: () => current,
          onSome: ({ digest, commit }) => ({
            ...current,
            digest,
            ...Option.match(commit, { onNone: () => ({}), onSome: (sha) => ({ commit: sha }) })
          })
        }
      ),
    status
  )

/**
 * Removes the temporary image after success and failure alike, once no child can push it any more. It changes
 * nothing about how the run ended.
 */
const cleanUp = (context: Context, step: Step): Step => {
  const { snapshot, jobId } = context
  if (step.status.temporary_image === undefined || !step.status.attempts.some(mayHavePushed)) return step
  const state = phaseState(step.status.attempts, "cleanup", snapshot.policy)
  switch (state._tag) {
    case "NotStarted":
      return start(step, [cleanupAttempt(jobId, 1, snapshot.now)])
    case "Retry":
      return retry(context, step, state)
    case "Active":
    case "Done":
    case "Failed":
      return step
  }
}

/**
 * A build that was lost may have run to its end without anybody seeing it begin; so may one that was to be stopped, if it
 * had a place already, or if Nomad knew nothing of it, since that proves nothing.
 */
const mayHavePushed = ({ phase, started_at, allocation_id, seen, outcome }: Attempt): boolean => {
  if (phase !== "build" || outcome === undefined || outcome.result === "succeeded") return phase === "build"
  const unproved = outcome.result === "stopped" && (!seen || allocation_id !== undefined)
  return started_at !== undefined || outcome.reason === "ChildLost" || unproved
}

/** Nothing of the run is under way any more, its cleaning up included. */
export const atRest = (status: Status, { maxAttempts, retryBackoff }: Snapshot["policy"]): boolean =>
  isTerminal(status.status) &&
  status.attempts.every(({ outcome }) => outcome !== undefined) &&
  phaseState(status.attempts, "cleanup", { maxAttempts, retryBackoff })._tag !== "Retry"
