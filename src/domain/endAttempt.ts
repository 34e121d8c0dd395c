import { Option } from "effect"
import type { ChildState } from "./ChildState.ts"
import { shortened } from "./shortened.ts"
import { type Collected, nothingCollected, type Snapshot } from "./Snapshot.ts"
import type { Attempt, Failure, Outcome, Reason } from "./Status.ts"

type Ended = Extract<ChildState, { _tag: "Succeeded" | "CommandFailed" | "NeverStarted" | "Stopped" | "Lost" }>

/** How an attempt came to its end. */
export type Ending =
  | { readonly kind: "observed"; readonly state: Ended }
  /** Nomad refused the job. */
  | { readonly kind: "rejected"; readonly message: string }
  /** It was seen, and then Nomad knew nothing of it any more. */
  | { readonly kind: "vanished" }
  /** It was to be stopped before it was ever registered. */
  | { readonly kind: "never-registered"; readonly stop: Stop }
  /** It was told to stop, by us or by somebody else, and nobody can say whether it did. */
  | { readonly kind: "unreachable"; readonly stop: Stop | undefined }

export type Closing =
  | { readonly kind: "closed"; readonly attempt: Attempt }
  /** Result and logs must be fetched first, from this allocation if there was one. */
  | { readonly kind: "collect"; readonly attempt: Attempt; readonly allocationId: Option.Option<string> }
  /** They could not be fetched; to be tried again. */
  | { readonly kind: "wait"; readonly attempt: Attempt }

/**
 * Gives an ended attempt its outcome, once its logs are archived or can no longer be hoped for: Nomad forgets, so
 * nothing counts as done before that.
 */
export const endAttempt = (snapshot: Snapshot, attempt: Attempt, ending: Ending): Closing => {
  switch (ending.kind) {
    case "rejected":
      return close(attempt, { ...bare(snapshot.now), ...failed("JobRejected", ending.message, false) })
    case "vanished":
      return close(attempt, {
        ...bare(snapshot.now),
        ...failed("ChildLost", "Nomad no longer knows the job; its result was not seen", true)
      })
    case "never-registered":
      return close(attempt, { ...bare(snapshot.now), ...stopped(ending.stop) })
    case "unreachable":
      return close(attempt, { ...bare(snapshot.now), logs: "unavailable", ...given(ending.stop) })
    case "observed":
      return observed(snapshot, attempt, ending.state)
  }
}

const observed = (snapshot: Snapshot, attempt: Attempt, state: Ended): Closing => {
  const finishedAt = attempt.finished_at ?? finishOf(state, snapshot.now)
  const timed = withTimes(attempt, state, finishedAt)
  const collected = state._tag === "NeverStarted" ? nothingCollected : snapshot.collected.get(attempt.nomad_job_id)
  if (collected === undefined) return { kind: "collect", attempt: timed, allocationId: allocationOf(state) }
  if (isForgotten(attempt, state, collected)) return endAttempt(snapshot, timed, { kind: "vanished" })
  // Nobody may have led while it ended: at least a second try is due, however long ago that was.
  const patient = attempt.finished_at === undefined || snapshot.now - finishedAt < snapshot.policy.logsGrace
  if (collected.logs === "unreachable" && patient) return { kind: "wait", attempt: timed }
  return close(timed, {
    ...bare(snapshot.now),
    logs: collected.logs === "unreachable" ? "unavailable" : collected.logs,
    log_bytes: collected.logBytes,
    log_truncated: collected.logTruncated,
    ...(collected.usage === undefined ? {} : { usage: collected.usage }),
    ...withTail(verdict(attempt, state, collected), collected.tail)
  })
}

/** It ran, and Nomad forgot its logs after it was seen and before they were fetched: the same as forgetting it earlier. */
const isForgotten = (attempt: Attempt, state: Ended, collected: Collected): boolean =>
  collected.logs === "none" &&
  attempt.stop === undefined &&
  (state._tag === "Succeeded" || state._tag === "CommandFailed")

type Stop = NonNullable<Attempt["stop"]>

/** An outcome but for what became of the logs. */
type Verdict = {
  readonly exit_code?: number
} & (
  | { readonly result: "succeeded" }
  | (Pick<Failure, "result" | "reason" | "message" | "infrastructure"> & { readonly log_tail?: ReadonlyArray<string> })
)

const verdict = (attempt: Attempt, state: Ended, collected: Collected): Verdict => {
  if (state._tag === "Succeeded") {
    return needsResult(attempt) && Option.isNone(collected.result)
      ? failed("ResultMissing", "the step ended well but left no result", true)
      : { result: "succeeded", exit_code: 0 }
  }
  // What ends badly while it is being stopped ends because of that.
  if (attempt.stop !== undefined) {
    return { ...stopped(attempt.stop), ...("exitCode" in state ? { exit_code: state.exitCode } : {}) }
  }
  switch (state._tag) {
    case "CommandFailed":
      return commandFailed(attempt, state, collected)
    case "NeverStarted":
      return neverStarted(state)
    case "Stopped":
      return failed("ChildStopped", "somebody stopped the Nomad job", true)
    case "Lost":
      return failed("ChildLost", state.message, true)
  }
}

/** What ended badly shows how: its tests may still run, and by then the log of this one may be forgotten. */
const withTail = (judged: Verdict, tail: ReadonlyArray<string>): Verdict =>
  judged.result === "succeeded" || tail.length === 0 ? judged : { ...judged, log_tail: tail }

/** Build and publish prove what they did by a digest; a test's exit code is all there is. */
const needsResult = (attempt: Attempt): boolean => attempt.phase === "build" || attempt.phase === "publish"

/**
 * Exit codes above it tell a signal. Our own scripts report whatever goes wrong in a build, so that one without a report was
 * ended from outside: nothing that runs in a container can kill its process 1.
 */
const bySignal = 128

const commandFailed = (
  attempt: Attempt,
  state: Extract<Ended, { _tag: "CommandFailed" }>,
  collected: Collected
): Verdict => {
  const exit = { exit_code: state.exitCode }
  if (state.oomKilled)
    return { ...failed("OutOfMemory", `killed for want of memory (${state.message})`, false), ...exit }
  return Option.match(collected.failure, {
    onSome: ({ reason, message, transient }) => ({ ...failed(reason, message, transient), ...exit }),
    onNone: () => ({
      ...failed(
        attempt.phase === "test" ? "TestFailed" : "CommandFailed",
        `exit code ${state.exitCode}`,
        attempt.phase === "cleanup" || (needsResult(attempt) && state.exitCode > bySignal)
      ),
      ...exit
    })
  })
}

const neverStarted = (state: Extract<Ended, { _tag: "NeverStarted" }>): Verdict => {
  switch (state.reason) {
    case "authentication":
      return failed("RegistryAuthRefused", state.message, false)
    case "image-not-found":
      return failed("ImageNotFound", state.message, true)
    case "registry-unavailable":
      return failed("RegistryUnreachable", state.message, true)
    case "template":
      return failed("SecretUnavailable", state.message, true)
    case "validation":
      return failed("JobRejected", state.message, false)
    case "driver":
    case "other":
      return failed("DriverFailure", state.message, true)
  }
}

const failed = (reason: Reason, message: string, infrastructure: boolean): Verdict => ({
  result: "failed",
  reason,
  message: shortened(message),
  infrastructure
})

const stopped = ({ reason, message }: Stop): Verdict => ({ result: "stopped", reason, message, infrastructure: false })

const given = (stop: Stop | undefined): Verdict =>
  stop === undefined
    ? failed(
        "ChildStopped",
        "somebody stopped the Nomad job, and its node does not tell whether the task has ended",
        true
      )
    : stopped(stop)

const bare = (now: number) => ({ logs: "none" as const, log_bytes: 0, log_truncated: false, at: now })

const close = (attempt: Attempt, outcome: Outcome): Closing => {
  const { waiting: _waiting, waiting_since: _since, ...rest } = attempt
  return { kind: "closed", attempt: { ...rest, outcome } }
}

const allocationOf = (state: Ended): Option.Option<string> =>
  state._tag === "Stopped" ? state.allocationId : Option.some(state.allocationId)

const finishOf = (state: Ended, now: number): number => {
  switch (state._tag) {
    case "Stopped":
      return Option.getOrElse(state.finishedAt, () => now)
    case "Lost":
      return now
    default:
      return state.finishedAt
  }
}

const withTimes = (attempt: Attempt, state: Ended, finishedAt: number): Attempt => ({
  ...attempt,
  seen: true,
  ...Option.match(allocationOf(state), { onNone: () => ({}), onSome: (id) => ({ allocation_id: id }) }),
  ...("nodeName" in state ? { node: state.nodeName, node_id: state.nodeId } : {}),
  ...("startedAt" in state ? { started_at: state.startedAt } : {}),
  finished_at: finishedAt
})
