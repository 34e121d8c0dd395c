import type { HttpServerResponse } from "@effect/platform"
import { Effect, Option } from "effect"
import type { Failure } from "../api/Failures.ts"
import { ActingToken } from "../consul/ActingToken.ts"
import type { ApiError } from "../http/ApiError.ts"
import type { SlotTaken, SubmitKeyReused } from "../store/Submissions.ts"
import type { InvalidJob, JobConflict, JobNotFound, NotAllowed } from "./JobErrors.ts"
import { jsonAnswer } from "./jsonAnswer.ts"
import type { LimitReached } from "./Limits.ts"
import type { Refused } from "./Refused.ts"

/** Whatever an endpoint can fail with. */
export type Failed =
  | ApiError
  | InvalidJob
  | JobConflict
  | JobNotFound
  | LimitReached
  | NotAllowed
  | Refused
  | SlotTaken
  | SubmitKeyReused

/**
 * What Consul denies to the token that the caller brought, the caller may not do; what it denies to the service's own, an
 * operator must mend. `what` says in the interface's fixed words what did not work: `Failed to create job`.
 */
export const failureAnswer = (what: string, failed: Failed): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
  Effect.map(ActingToken, (token) => {
    const byCaller = failed._tag === "Denied" && Option.isSome(token)
    const body: Failure = byCaller
      ? { error: "Not permitted", code: 403, details: failed.message }
      : failureBody(what, failed)
    return jsonAnswer(body, { status: body.code, headers: retryAfter(body, failed) })
  })

const retryAfter = ({ code }: Failure, failed: Failed): Readonly<Record<string, string>> => {
  if (failed._tag === "LimitReached") return { "retry-after": String(Math.max(1, failed.retryAfter)) }
  return code === 503 ? { "retry-after": "2" } : {}
}

/** A bug: it is for the log, and nobody else's business. */
export const defectAnswer = (what: string): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
  Effect.succeed(
    jsonAnswer({ error: what, code: 500, details: "an error of the service's own; its log has more" }, { status: 500 })
  )

const failureBody = (what: string, failed: Failed): Failure => {
  const details = failed.message
  switch (failed._tag) {
    case "Refused":
      return refusal(failed)
    case "InvalidJob":
      return { error: "Job configuration validation failed", code: 400, details, errors: failed.errors }
    case "JobNotFound":
      return { error: "Job not found", code: 404, details }
    case "LimitReached":
      return { error: "Too many requests", code: 429, details }
    case "NotAllowed":
      return { error: "Not permitted", code: 403, details }
    case "JobConflict":
      return { error: what, code: 409, details }
    case "SlotTaken":
      return { error: what, code: 409, details, holder: failed.holder }
    case "SubmitKeyReused":
      return { error: "Idempotency-Key was used for another job", code: 422, details, job_id: failed.jobId }
    default:
      return systemFailure(what, failed)
  }
}

const systemFailure = (what: string, failed: ApiError): Failure => {
  const details = failed.message
  switch (failed._tag) {
    case "Unavailable":
      return { error: what, code: 503, details }
    case "Conflict":
      return { error: what, code: 503, details: `${details}; nothing was done, ask again` }
    case "Denied":
    case "Invalid":
    case "NotFound":
      return { error: what, code: 502, details }
  }
}

const refusal = ({ code, details, error }: Refused): Failure => {
  switch (code) {
    case 400:
      return { error, code, details }
    case 413:
      return { error, code, details }
  }
}
