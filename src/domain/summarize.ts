import { Schema } from "effect"
import type { FieldError } from "./FieldError.ts"
import {
  type Attempt,
  type Condition,
  ConditionType,
  isTerminal,
  type JobPhase,
  type Status,
  type Times
} from "./Status.ts"

/** Fills in what follows from the rest of a status: milestones and conditions. */
export const summarize = (status: Status, previous: ReadonlyArray<Condition>, now: number): Status => ({
  ...status,
  times: timesOf(status, now),
  conditions: conditionsOf(status, previous, now)
})

/** All faults of a record in one line; each names its field itself. */
export const faultsText = (errors: ReadonlyArray<FieldError>): string => errors.map(({ message }) => message).join("; ")

const timesOf = (status: Status, now: number): Times => {
  const end = isTerminal(status.status) ? { job_end: status.times.job_end ?? now } : {}
  return {
    ...status.times,
    ...span(status, "build"),
    ...span(status, "test"),
    ...span(status, "publish"),
    ...end
  }
}

/** A phase starts with its first task and ends with its last, once no other will follow. */
const span = (status: Status, phase: JobPhase): Partial<Times> => {
  const attempts = status.attempts.filter((attempt) => attempt.phase === phase)
  const started = attempts.flatMap(({ started_at }) => (started_at === undefined ? [] : [started_at]))
  if (started.length === 0) return {}
  const start = { [`${phase}_start`]: Math.min(...started) }
  const over = status.phase !== phase && attempts.every(ended)
  if (!over) return start
  const finished = attempts.flatMap(({ finished_at }) => (finished_at === undefined ? [] : [finished_at]))
  return { ...start, [`${phase}_end`]: Math.max(...started, ...finished) }
}

const ended = ({ outcome }: Attempt): boolean => outcome !== undefined

type Verdict = Omit<Condition, "observed_generation" | "last_transition_time">

const conditionsOf = (status: Status, previous: ReadonlyArray<Condition>, now: number): ReadonlyArray<Condition> => {
  const own = [valid(status), reconciling(status), succeeded(status)].map((verdict) => {
    const before = previous.find(({ type }) => type === verdict.type)
    // The time is that of the last flip: a new reason alone doesn't move it.
    const since = before?.status === verdict.status ? before.last_transition_time : now
    return { ...verdict, observed_generation: status.generation, last_transition_time: since }
  })
  const newer = previous.filter((each) => !isKnown(each.type) && each.observed_generation === status.generation)
  return [...own, ...newer]
}

/** What a newer version says of this generation is left to it. */
const isKnown = Schema.is(ConditionType)

const valid = ({ errors }: Status): Verdict =>
  errors === undefined
    ? { type: "Valid", status: "True", reason: "Accepted", message: "" }
    : {
        type: "Valid",
        status: "False",
        reason: "InvalidSpec",
        message: faultsText(errors)
      }

const reconciling = (status: Status): Verdict => {
  if (isTerminal(status.status)) {
    return { type: "Reconciling", status: "False", reason: "Finished", message: "" }
  }
  if (status.hindered !== undefined) {
    return { type: "Reconciling", status: "True", reason: status.hindered.reason, message: status.hindered.message }
  }
  if (status.waiting !== undefined) {
    return { type: "Reconciling", status: "True", reason: status.waiting.reason, message: status.waiting.message }
  }
  const [waiting] = status.attempts.flatMap((attempt) =>
    ended(attempt) || attempt.waiting === undefined ? [] : [attempt.waiting]
  )
  return waiting === undefined
    ? { type: "Reconciling", status: "True", reason: "Progressing", message: "" }
    : { type: "Reconciling", status: "True", reason: "WaitingForNomad", message: waiting }
}

const succeeded = (status: Status): Verdict => {
  switch (status.status) {
    case "SUCCEEDED":
      return { type: "Succeeded", status: "True", reason: "Published", message: status.digest ?? "" }
    case "FAILED":
      return { type: "Succeeded", status: "False", reason: status.reason ?? "Failed", message: status.error ?? "" }
    case "PENDING":
    case "BUILDING":
    case "TESTING":
    case "PUBLISHING":
      return { type: "Succeeded", status: "Unknown", reason: "Running", message: "" }
  }
}
