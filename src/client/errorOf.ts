import { HttpClientError } from "@effect/platform"
import { Option, Predicate, Schema } from "effect"
import * as Failures from "../api/Failures.ts"
import {
  CallAborted,
  CallTimeout,
  type JobForgeError,
  JobInTheWay,
  JobInvalid,
  JobMissing,
  KeyUsed,
  NotPermitted,
  ServiceUnavailable,
  UnexpectedAnswer
} from "./ClientErrors.ts"

/** What a call failed with, as one of the errors that callers know. */
export const errorOf = (failure: unknown): JobForgeError => {
  if (isOwn(failure)) return failure
  const answered = decode(failure)
  if (Option.isSome(answered)) return ofAnswer(answered.value)
  if (HttpClientError.isHttpClientError(failure)) return ofHttp(failure)
  const error = Predicate.isError(failure) ? failure.message : String(failure)
  return new UnexpectedAnswer({ error: `the answer is not understood: ${error}`, cause: failure })
}

const isOwn = (failure: unknown): failure is JobForgeError => own.some((kind) => failure instanceof kind)

const own = [
  CallAborted,
  CallTimeout,
  JobInTheWay,
  JobInvalid,
  JobMissing,
  KeyUsed,
  NotPermitted,
  ServiceUnavailable,
  UnexpectedAnswer
]

const Answer = Schema.Union(
  Failures.BadRequest,
  Failures.Unauthenticated,
  Failures.NotPermitted,
  Failures.NotFound,
  Failures.Conflict,
  Failures.TooLarge,
  Failures.KeyReused,
  Failures.TooManyRequests,
  Failures.Broken,
  Failures.BadGateway,
  Failures.Unavailable
)

const decode = Schema.decodeUnknownOption(Answer)

const ofAnswer = (answer: Failures.Failure): JobForgeError => {
  const { code, details, error } = answer
  switch (answer.code) {
    case 400:
    case 413:
      return new JobInvalid({ code, error, details, errors: "errors" in answer ? (answer.errors ?? []) : [] })
    case 401:
    case 403:
      return new NotPermitted({ code, error, details })
    case 404:
      return new JobMissing({ code, error, details })
    case 409:
      return new JobInTheWay({ code, error, details, holder: answer.holder })
    case 422:
      return new KeyUsed({ code, error, details, jobId: answer.job_id })
    case 500:
      return new UnexpectedAnswer({ code, error: text(error, details) })
    default:
      return new ServiceUnavailable({ code, error: text(error, details) })
  }
}

const ofHttp = (failure: HttpClientError.HttpClientError): JobForgeError => {
  if (failure._tag === "RequestError") {
    const error = `${originOf(failure.request.url)} does not answer: ${causeOf(failure.cause)}`
    return new ServiceUnavailable({ error, cause: failure })
  }
  const { status } = failure.response
  const error = `${originOf(failure.request.url)} answered ${status} with something else than Job Forge does`
  return status >= 502 && status <= 504
    ? new ServiceUnavailable({ code: status, error, cause: failure })
    : new UnexpectedAnswer({ code: status, error, cause: failure })
}

/** Whoever was asked may have been found in Consul's catalog: only its address says what to look at. */
const originOf = (url: string): string => (URL.canParse(url) ? new URL(url).origin : "the service")

const text = (error: string, details: string | undefined): string =>
  details === undefined ? error : `${error}: ${details}`

/** `fetch failed` says nothing: its own cause does. */
const causeOf = (cause: unknown): string => {
  if (!Predicate.isError(cause)) return String(cause)
  return Predicate.isError(cause.cause) && cause.cause.message !== "" ? cause.cause.message : cause.message
}
