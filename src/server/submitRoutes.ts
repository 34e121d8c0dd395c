import { HttpRouter, HttpServerRequest } from "@effect/platform"
import { Effect, Either, Option } from "effect"
import type { Submitted } from "../api/Answers.ts"
import { postJob, submitJob } from "../api/JobEndpoints.ts"
import { parseRecordText } from "../domain/parseRecordText.ts"
import type { Failed } from "./failureAnswer.ts"
import type { Direct } from "./Direct.ts"
import { answering, answerOf, implement, pathsOf } from "./implement.ts"
import { InvalidJob } from "./JobErrors.ts"
import { Jobs } from "./Jobs.ts"
import { bodyOf, jsonOf, readBody } from "./readBody.ts"
import { badRequest, type Refused } from "./Refused.ts"

const what = "Failed to create job"

const submitKey = (key: string | undefined): Either.Either<Option.Option<string>, Refused> => {
  if (key === undefined) return Either.right(Option.none())
  return /^[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?$/.test(key)
    ? Either.right(Option.some(key))
    : Either.left(badRequest("the header Idempotency-Key must have 1 to 255 printable ASCII characters"))
}

/** The body is read once the rest of the request is known to be good. */
const submit = Effect.fnUntraced(function* <R>(
  header: string | undefined,
  body: Effect.Effect<string, Refused, R>
): Effect.fn.Return<Submitted, Failed, R | Jobs> {
  const jobs = yield* Jobs
  const key = yield* submitKey(header)
  const { text } = yield* jsonOf(yield* body)
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

const submitted = Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers }) =>
  submit(headers["idempotency-key"], readBody)
)

export const submitRoutes = HttpRouter.concatAll(
  implement(submitJob, what, () => submitted),
  implement(postJob, what, () => submitted)
)

const paths: ReadonlySet<string | undefined> = new Set([submitJob, postJob].flatMap(({ path }) => pathsOf(path)))

const answer = answerOf(submitJob.successSchema)

/** The same, short of what makes an ordinary request. */
export const submitDirectly: Direct<Jobs> = (request) => {
  const { headers, method, url } = request
  const key = headers["idempotency-key"]
  if (method !== "POST" || !paths.has(url) || Array.isArray(key)) return undefined
  return Option.getOrUndefined(
    Option.map(bodyOf(request), (body) => answering(submitJob.name, what, Effect.map(submit(key, body), answer)))
  )
}
