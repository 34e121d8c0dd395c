import { Option } from "effect"
import { judgeAttempt } from "./judgeAttempt.ts"
import { type FailedAttempt, type PhaseState, phaseState } from "./phaseState.ts"
import { type ResolvedJob, resolveJob, testCases } from "./resolve.ts"
import { addEvent, buildAttempt, cleanupAttempt, nextAttempt, publishAttempt, testAttempts } from "./run.ts"
import { Action, type Snapshot } from "./Snapshot.ts"
import { type Attempt, isTerminal, type JobPhase, type JobStatus, type Status } from "./Status.ts"

/** A status on its way to the next one, with what is to be done about it. */
export interface Step {
  readonly status: Status
  readonly actions: ReadonlyArray<Action>
  /** Instants, in milliseconds since the epoch, at which something is due. */
  readonly due: ReadonlyArray<number>
}

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
  return isTerminal(moved.status.status) ? cleanUp(context, moved) : moved
}

interface Context {
  readonly snapshot: Snapshot
  readonly jobId: string
  readonly job: ResolvedJob
}

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
  // A run that is to end neither tries again nor asks why something failed.
  const { stopping } = step.status
  if (stopping !== undefined && (state._tag === "Retry" || state._tag === "Failed")) {
    return stopRun(step, stopping, context.snapshot.now)
  }
  switch (state._tag) {
    case "NotStarted":
      return start(step, firstAttempts(context, phase))
    case "Active":
      return { ...step, status: underWay(step.status, phase) }
    case "Retry":
      return retry(context, step, state)
    case "Failed":
      return fail(context, step, phase, state)
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
  return start(
    { ...step, status: note(step.status, now, "Retrying", `${attempt.phase}: ${failure.message}`) },
    state.attempts.map((failed) => nextAttempt(context.jobId, failed.attempt, now))
  )
}

const phaseDone = (context: Context, step: Step, phase: JobPhase, attempts: ReadonlyArray<Attempt>): Step => {
  const { now } = context.snapshot
  const status = phase === "build" ? withResult(context, step.status, attempts) : step.status
  const done = { ...step, status: note(status, now, completed[phase], `${phase} succeeded`) }
  if (phase === "publish" || (phase === "build" && testCases(context.job).length === 0)) return succeed(done, now)
  // What is published stays published; anything before that ends here.
  if (status.stopping !== undefined) return stopRun(done, status.stopping, now)
  const next = phase === "build" ? ({ status: "TESTING", phase: "test" } as const) : publishing
  return start({ ...done, status: { ...done.status, ...next } }, firstAttempts(context, next.phase))
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

const start = (step: Step, attempts: ReadonlyArray<Attempt>): Step => ({
  ...step,
  status: { ...step.status, attempts: [...step.status.attempts, ...attempts] },
  actions: [...step.actions, ...attempts.map((attempt) => Action.Register({ attempt }))]
})

const succeed = (step: Step, now: number): Step => ({
  ...step,
  status: note({ ...withoutPhase(step.status), status: "SUCCEEDED" }, now, "Succeeded", "the image is published")
})

const fail = ({ snapshot }: Context, step: Step, phase: JobPhase, { attempt, failure }: FailedAttempt): Step => {
  const error = `${title[phase]} phase failed${phase === "test" ? ` in ${testName(attempt)}` : ""}: ${failure.message}`
  return {
    ...step,
    status: note(
      {
        ...withoutPhase(step.status),
        status: "FAILED",
        failed_phase: phase,
        reason: failure.reason,
        error,
        ...(failure.exit_code === undefined ? {} : { exit_code: failure.exit_code }),
        ...(failure.log_tail === undefined ? {} : { log_tail: failure.log_tail })
      },
      snapshot.now,
      "Failed",
      error
    )
  }
}

const title = { build: "Build", test: "Test", publish: "Publish" } as const

const testName = ({ test, nomad_job_id }: Attempt): string =>
  test?.kind === "command" ? `job ${nomad_job_id} (command ${test.index})` : `job ${nomad_job_id} (entry point)`

/** Ends a run that was told to end, whatever became of its children. */
const stopRun = (step: Step, { reason, message }: NonNullable<Status["stopping"]>, now: number): Step => {
  const { phase } = step.status
  return {
    ...step,
    status: note(
      {
        ...withoutPhase(step.status),
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

const withoutPhase = (status: Status): Status => {
  const { phase: _phase, ...rest } = status
  return rest
}

const note = (status: Status, now: number, reason: string, message: string): Status => ({
  ...status,
  events: addEvent(status.events, now, reason, message)
})

/**
 * Removes the temporary image after success and failure alike, once no child can push it any more. It changes
 * nothing about how the run ended.
 */
const cleanUp = (context: Context, step: Step): Step => {
  const { snapshot, jobId } = context
  const pushed = step.status.attempts.some(({ phase, started_at }) => phase === "build" && started_at !== undefined)
  if (step.status.temporary_image === undefined || !pushed) return step
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

/** Nothing of the run is under way any more, its cleaning up included. */
export const atRest = (status: Status, { maxAttempts, retryBackoff }: Snapshot["policy"]): boolean =>
  isTerminal(status.status) &&
  status.attempts.every(({ outcome }) => outcome !== undefined) &&
  phaseState(status.attempts, "cleanup", { maxAttempts, retryBackoff })._tag !== "Retry"
