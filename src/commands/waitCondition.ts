import { Effect } from "effect"
import type { JobState } from "../api/JobState.ts"
import { ConditionStatus, ConditionType, JobPhase, JobStatus } from "../domain/Status.ts"
import { type CommandError, usageError } from "./CommandError.ts"

export type WaitCondition = (state: JobState) => boolean

/** `succeeded`, `ended`, `status=STATUS`, `phase=PHASE` or `condition=TYPE[=STATUS]`. */
export const waitCondition = (text: string): Effect.Effect<WaitCondition, CommandError> => {
  const [kind = "", value = "", more] = text.split("=")
  switch (kind) {
    case "succeeded":
      return Effect.succeed(({ status }) => status === "SUCCEEDED")
    case "ended":
      return Effect.succeed(({ status }) => status === "SUCCEEDED" || status === "FAILED")
    case "status":
      return Effect.map(
        oneOf(JobStatus.literals, value.toUpperCase()),
        (wanted) =>
          ({ status }) =>
            status === wanted
      )
    case "phase":
      return Effect.map(
        oneOf(JobPhase.literals, value.toLowerCase()),
        (wanted) =>
          ({ phase }) =>
            phase === wanted
      )
    case "condition":
      return Effect.all([oneOf(ConditionType.literals, value), oneOf(ConditionStatus.literals, more ?? "True")]).pipe(
        Effect.map(
          ([type, status]) =>
            ({ conditions }) =>
              conditions.some((condition) => condition.type === type && condition.status === status)
        )
      )
    default:
      return Effect.fail(
        usageError(
          `--for: "${text}" is none of succeeded, ended, status=STATUS, phase=PHASE and condition=TYPE[=STATUS]`
        )
      )
  }
}

const oneOf = <A extends string>(accepted: ReadonlyArray<A>, given: string): Effect.Effect<A, CommandError> => {
  const found = accepted.find((value) => value === given)
  return found === undefined
    ? Effect.fail(usageError(`--for: "${given}" is none of ${accepted.join(", ")}`))
    : Effect.succeed(found)
}
