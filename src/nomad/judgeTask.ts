import { Data, Option } from "effect"
import type { NeverStartedReason } from "../domain/ChildState.ts"
import type { TaskEvent, TaskState } from "./Allocation.ts"

/** How a task ended that its allocation's status calls `complete` or `failed`. Times are milliseconds. */
export type TaskVerdict = Data.TaggedEnum<{
  Succeeded: { readonly startedAt: number }
  CommandFailed: {
    readonly startedAt: number
    readonly exitCode: number
    readonly oomKilled: boolean
    readonly message: string
  }
  NeverStarted: { readonly reason: NeverStartedReason; readonly message: string }
  /** Nomad ended it, or lost sight of its end: its exit code, if there is one, says nothing about the command. */
  Interrupted: { readonly message: string }
}>
export const TaskVerdict = Data.taggedEnum<TaskVerdict>()

/** Judges the last run of a task that is dead. */
export const judgeTask = (task: TaskState): TaskVerdict => {
  const run = lastRun(task.Events)
  const terminated = run.findLast(({ Type }) => Type === "Terminated")
  if (terminated === undefined) return Option.isNone(task.StartedAt) ? neverStarted(task.Events) : interrupted(run)
  // A killed task may have exited with 0: because it was told to.
  return run.some(({ Type }) => Type === "Killing") ? interrupted(run) : terminatedBy(terminated, task)
}

/** Nomad keeps ten events, so the start may be missing: then all that is left belongs to the last run. */
const lastRun = (events: ReadonlyArray<TaskEvent>): ReadonlyArray<TaskEvent> =>
  events.slice(
    Math.max(
      0,
      events.findLastIndex(({ Type }) => Type === "Started")
    )
  )

const terminatedBy = (event: TaskEvent, task: TaskState): TaskVerdict => {
  const message = event.Details["exit_message"] || event.DisplayMessage
  const exitCode = exitCodeOf(event)
  if (Option.isNone(exitCode)) return TaskVerdict.Interrupted({ message })
  const startedAt = Option.getOrElse(task.StartedAt, () => event.Time)
  const oomKilled = event.Details["oom_killed"] === "true"
  return exitCode.value === 0
    ? TaskVerdict.Succeeded({ startedAt })
    : TaskVerdict.CommandFailed({ startedAt, exitCode: exitCode.value, oomKilled, message })
}

/** None when the driver lost the process: the exit code that it gives then, mostly 0, is made up. */
const exitCodeOf = ({ Details }: TaskEvent): Option.Option<number> => {
  const code = Number.parseInt(Details["exit_code"] ?? "", 10)
  const signal = Number.parseInt(Details["signal"] ?? "", 10) || 0
  const message = Details["exit_message"] ?? ""
  if (Number.isNaN(code) || lostProcess.test(message)) return Option.none()
  if (code !== 0) return Option.some(code)
  // A death by signal, as a shell tells it.
  if (signal !== 0) return Option.some(128 + signal)
  return message === "" ? Option.some(0) : Option.none()
}

const lostProcess = /error waiting on process|rpc error: code/u

const interrupted = (run: ReadonlyArray<TaskEvent>): TaskVerdict => {
  const cause = run.find(({ Type }) => Type === "Killing") ?? run.findLast(failsTask) ?? run.at(-1)
  return TaskVerdict.Interrupted({ message: cause?.DisplayMessage || "the task ended without a word" })
}

const failsTask = ({ Details, Type }: TaskEvent): boolean =>
  Details["fails_task"] === "true" && Type !== "Not Restarting"

const neverStarted = (events: ReadonlyArray<TaskEvent>): TaskVerdict => {
  const cause = events.findLast(({ Type }) => causes.has(Type)) ?? events.findLast(failsTask) ?? events.at(-1)
  return TaskVerdict.NeverStarted({
    reason: cause === undefined ? "other" : reasonOf(cause),
    message: cause?.DisplayMessage.trim() || "the task never started, and Nomad doesn't say why"
  })
}

const causes: ReadonlySet<string> = new Set([
  "Driver Failure",
  "Failed Validation",
  "Setup Failure",
  "Failed Artifact Download",
  "Task hook failed",
  "Killing"
])

const reasonOf = ({ DisplayMessage, Type }: TaskEvent): NeverStartedReason => {
  if (Type === "Failed Validation") return "validation"
  if (Type === "Driver Failure")
    return pullFailure.test(DisplayMessage) ? pullReason(DisplayMessage.replaceAll(/`[^`]*`/gu, "")) : "driver"
  return /\b(?:template|vault|missing:)/iu.test(DisplayMessage) ? "template" : "other"
}

const pullFailure = /Failed to pull|pull access denied|manifest unknown|No such image/iu

/** What the registry said, without the image's name, which may hold any of these words. A registry that hides what exists says «denied» to both. */
const pullReason = (message: string): NeverStartedReason => {
  if (/unauthorized|authentication required|no basic auth|access denied|denied:|forbidden/iu.test(message)) {
    return "authentication"
  }
  return /manifest unknown|not found|no such image|name unknown|not exist|error \(404\)/iu.test(message)
    ? "image-not-found"
    : "registry-unavailable"
}
