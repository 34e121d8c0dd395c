import { HttpRouter, HttpServerRequest } from "@effect/platform"
import { Effect, Either, Option } from "effect"
import type { Submitted } from "../api/Answers.ts"
import { postJob, submitJob } from "../api/JobEndpoints.ts"
import { parseRecordText } from "../domain/parseRecordText.ts"
import type { Failed } from "./failureAnswer.ts"
import { implement } from "./implement.ts"
import { InvalidJob } from "./JobErrors.ts"
import { Jobs } from "./Jobs.ts"
import { readJson } from "./readBody.ts"
import { badRequest, type Refused } from "./Refused.ts"

const what = "Failed to create job"

const submitKey: Effect.Effect<Option.Option<string>, Refused, HttpServerRequest.HttpServerRequest> = Effect.gen(
  function* () {
    const { headers } = yield* HttpServerRequest.HttpServerRequest
    const key = headers["idempotency-key"]
    if (key === undefined) return Option.none()
    if (/^[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?$/.test(key)) return Option.some(key)
    return yield* badRequest("the header Idempotency-Key must have 1 to 255 printable ASCII characters")
  }
)

const submit: Effect.Effect<Submitted, Failed, HttpServerRequest.HttpServerRequest | Jobs> = Effect.gen(function* () {
  const jobs = yield* Jobs
  const key = yield* submitKey
  const { text } = yield* readJson
  // A key given twice is refused as it is in KV; JSON's own parser would keep the last one and say nothing.
  const input = parseRecordText(text)
  if (Either.isLeft(input)) return yield* new InvalidJob({ errors: [input.left] })
  const { jobId, repeated } = yield* jobs.submit(
    input.right,
    Option.match(key, { onNone: () => ({}), onSome: (submitKey) => ({ submitKey }) })
  )
  if (!repeated) return { job_id: jobId, status: "PENDING" }
  const status = yield* Effect.option(jobs.find(jobId))
  return {
    job_id: jobId,
    status: Option.match(status, { onNone: () => "PENDING", onSome: (job) => job.status.status })
  }
})

export const submitRoutes = HttpRouter.concatAll(
  implement(submitJob, what, () => submit),
  implement(postJob, what, () => submit)
)
