import { Duration, Option } from "effect"
import type { ChildState } from "./ChildState.ts"
import { endAttempt, type Ending } from "./endAttempt.ts"
import type { ResolvedJob } from "./resolve.ts"
import { shortened } from "./shortened.ts"
import { Action, type Snapshot } from "./Snapshot.ts"
import type { Attempt, Reason } from "./Status.ts"

/** An attempt brought up to date with what Nomad shows, and what to do about it. */
export interface Judgement {
  readonly attempt: Attempt
  readonly actions: ReadonlyArray<Action>
  /** The instant, in milliseconds since the epoch, at which one of its limits passes. */
  readonly due: Option.Option<number>
}

/** Judges one attempt without an outcome by the state of its Nomad job. */
export const judgeAttempt = (snapshot: Snapshot, job: ResolvedJob, attempt: Attempt): Judgement => {
  const rejection = snapshot.rejected.get(attempt.nomad_job_id)
  if (rejection !== undefined) {
    return ended(snapshot, attempt, { kind: "rejected", message: rejection })
  }
  const state = snapshot.children.get(attempt.nomad_job_id)
  // Not looked at in this pass: no judgement without evidence.
  if (state === undefined) return keep(attempt)
  return byState(snapshot, job, attempt, state)
}

const byState = (snapshot: Snapshot, job: ResolvedJob, attempt: Attempt, state: ChildState): Judgement => {
  switch (state._tag) {
    case "Absent":
      return absent(snapshot, attempt)
    case "Queued":
      return queued(snapshot, attempt, state)
    case "Starting":
      return starting(snapshot, attempt, state)
    case "Running":
      return running(snapshot, job, attempt, state)
    case "Stopping":
      return stoppingChild(snapshot, { ...attempt, seen: true, allocation_id: state.allocationId })
    case "Succeeded":
    case "CommandFailed":
    case "NeverStarted":
    case "Lost":
      return ended(snapshot, attempt, { kind: "observed", state })
    case "Stopped":
      return contradicts(attempt, state)
        ? stoppingChild(snapshot, attempt)
        : ended(snapshot, attempt, { kind: "observed", state })
  }
}

/** Nomad's answers are not of one moment: a job that is stopped already, and allocations as they were before it was placed. */
const contradicts = (attempt: Attempt, state: Extract<ChildState, { _tag: "Stopped" }>): boolean =>
  attempt.allocation_id !== undefined && Option.isNone(state.allocationId)

const keep = (attempt: Attempt, due: Option.Option<number> = Option.none()): Judgement => ({
  attempt,
  actions: [],
  due
})

const ended = (snapshot: Snapshot, attempt: Attempt, ending: Ending): Judgement => {
  const closing = endAttempt(snapshot, attempt, ending)
  switch (closing.kind) {
    case "closed":
      return { ...keep(closing.attempt), actions: mayComeBack(ending) ? [stopAction(attempt)] : [] }
    case "collect":
      return { ...keep(closing.attempt), actions: [Action.Collect({ attempt, allocationId: closing.allocationId })] }
    case "wait":
      return keep(closing.attempt, Option.some(snapshot.now + logsRetry))
  }
}

/** Milliseconds between two tries to read logs that can't be reached. */
const logsRetry = 5000

/** A lost node can return with its allocation alive, and a child that Nomad was slow to show can still turn up. */
const mayComeBack = (ending: Ending): boolean =>
  ending.kind === "vanished" ||
  ending.kind === "unreachable" ||
  (ending.kind === "observed" && ending.state._tag === "Lost")

/**
 * A 404 proves nothing. Before the child was seen it means «not registered yet», so the registration is repeated;
 * afterwards Nomad has forgotten it before its result was safe.
 */
const absent = (snapshot: Snapshot, attempt: Attempt): Judgement => {
  if (attempt.seen) return ended(snapshot, attempt, { kind: "vanished" })
  const { stop } = attempt
  if (stop !== undefined) return ended(snapshot, attempt, { kind: "never-registered", stop })
  // Nomad may know it already and answer from the past: then nothing more happens that would wake anybody.
  return { attempt, actions: [Action.Register({ attempt })], due: Option.some(snapshot.now + absentRetry) }
}

/** Milliseconds until a child that was registered and isn't shown is looked for again. */
const absentRetry = 2000

const queued = (
  { now, policy }: Snapshot,
  attempt: Attempt,
  state: Extract<ChildState, { _tag: "Queued" }>
): Judgement => {
  const waiting = waitFor(attempt, state.unplaced, now)
  const inQueue = limit("QueueTimeout", attempt.intended_at + policy.queueTimeout, "waited too long in Nomad's queue")
  const unplaced = limit(
    "Unplaceable",
    (waiting.waiting_since ?? now) + policy.unplacedGrace,
    `Nomad can't place the job: ${waiting.waiting ?? ""}`
  )
  return enforce({ ...waiting, seen: attempt.seen || waiting.waiting !== undefined }, now, [
    inQueue,
    ...(waiting.waiting === undefined ? [] : [unplaced])
  ])
}

const starting = (
  { now, policy }: Snapshot,
  attempt: Attempt,
  state: Extract<ChildState, { _tag: "Starting" }>
): Judgement => {
  const placed = {
    ...attempt,
    seen: true,
    allocation_id: state.allocationId,
    node: state.nodeName,
    node_id: state.nodeId
  }
  const waiting = waitFor(placed, state.waiting, now)
  const inQueue = limit("QueueTimeout", attempt.intended_at + policy.queueTimeout, "the task did not start in time")
  const secret = limit(
    "SecretUnavailable",
    (waiting.waiting_since ?? now) + policy.startGrace,
    `the task waits for a secret: ${waiting.waiting ?? ""}`
  )
  return enforce(waiting, now, [inQueue, ...(waiting.waiting === undefined ? [] : [secret])])
}

/**
 * A node that is out of reach never says that a task has ended: nobody waits for that for ever. The time counts from when
 * Nomad was seen to know, since nobody may have led between the wish and that, and a task has its kill timeout from then on.
 */
const stoppingChild = (snapshot: Snapshot, attempt: Attempt): Judgement => {
  const { stop } = attempt
  const since = attempt.stopping_at ?? snapshot.now
  const limit = since + snapshot.policy.stopGrace
  if (limit <= snapshot.now) return ended(snapshot, attempt, { kind: "unreachable", stop })
  // Nobody has promised to tell when it is over what somebody else stops.
  const due = stop === undefined ? Math.min(limit, snapshot.now + othersStop) : limit
  return keep({ ...attempt, stopping_at: since }, Option.some(due))
}

/** Milliseconds between two looks at what somebody else stops. */
const othersStop = 15_000

const running = (
  { now, policy }: Snapshot,
  job: ResolvedJob,
  attempt: Attempt,
  state: Extract<ChildState, { _tag: "Running" }>
): Judgement => {
  const { waiting: _waiting, waiting_since: _since, ...rest } = attempt
  const next: Attempt = {
    ...rest,
    seen: true,
    allocation_id: state.allocationId,
    node: state.nodeName,
    node_id: state.nodeId,
    started_at: state.startedAt
  }
  const deadline = attempt.deadline_at ?? state.startedAt + timeoutOf(job, attempt, policy.publishTimeout)
  const message = `the ${attempt.phase} ran longer than ${(deadline - state.startedAt) / 1000} s`
  return enforce({ ...next, deadline_at: deadline }, now, [limit("Timeout", deadline, message)])
}

const timeoutOf = (job: ResolvedJob, attempt: Attempt, otherwise: number): number => {
  switch (attempt.phase) {
    case "build":
      return Duration.toMillis(job.build_timeout)
    case "test":
      return Duration.toMillis(job.test.timeout)
    case "publish":
    case "cleanup":
      return otherwise
  }
}

interface Limit {
  readonly reason: Reason
  readonly at: number
  readonly message: string
}

const limit = (reason: Reason, at: number, message: string): Limit => ({ reason, at, message })

/** Stops what has passed a limit; otherwise says when the next limit passes. */
const enforce = (attempt: Attempt, now: number, limits: ReadonlyArray<Limit>): Judgement => {
  if (attempt.stop !== undefined) return { ...keep(attempt), actions: [stopAction(attempt)] }
  const passed = limits.find(({ at }) => at <= now)
  if (passed === undefined) return keep(attempt, Option.some(Math.min(...limits.map(({ at }) => at))))
  const stopped = { ...attempt, stop: { reason: passed.reason, message: passed.message, at: now } }
  return { ...keep(stopped), actions: [stopAction(stopped)] }
}

const stopAction = (attempt: Attempt): Action => Action.Stop({ nomadJobId: attempt.nomad_job_id })

/** Keeps the time since when Nomad gives a reason; the text may change meanwhile. */
const waitFor = (attempt: Attempt, text: Option.Option<string>, now: number): Attempt => {
  const { waiting: _waiting, waiting_since, ...rest } = attempt
  return Option.match(text, {
    onNone: () => rest,
    onSome: (waiting) => ({ ...rest, waiting: shortened(waiting), waiting_since: waiting_since ?? now })
  })
}
