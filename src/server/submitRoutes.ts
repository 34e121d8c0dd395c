import { HttpRouter, HttpServerRequest } from "@effect/platform"
import { Context, Effect, Either, Exit, Option } from "effect"
import type { Submitted } from "../api/Answers.ts"
import { postJob, submitJob } from "../api/JobEndpoints.ts"
import { checkRecordText } from "../domain/parseRecordText.ts"
import type { Failed } from "./failureAnswer.ts"
import type { Direct, Prompt } from "./Direct.ts"
import { answering, answerOf, implement, pathsOf } from "./implement.ts"
import { InvalidJob } from "./JobErrors.ts"
import { Jobs } from "./Jobs.ts"
import { bodyOf, jsonOf, readBody, type TakeBody } from "./readBody.ts"
import { badRequest, type Refused } from "./Refused.ts"

const what = "Failed to create job"

const submitKey = (key: string | undefined): Either.Either<Option.Option<string>, Refused> => {
  if (key === undefined) return Either.right(Option.none())
  return /^[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?$/.test(key)
    ? Either.right(Option.some(key))
    : Either.left(badRequest("the header Idempotency-Key must have 1 to 255 printable ASCII characters"))
}

const inputOf = (body: string): Either.Either<unknown, Refused | InvalidJob> =>
  Either.flatMap(jsonOf(body), ({ text, value }) =>
    // A key given twice is refused as it is in KV; JSON's own parser would keep the last one and say nothing.
    Either.mapLeft(checkRecordText(text, value), (error) => new InvalidJob({ errors: [error] }))
  )

const accept = Effect.fnUntraced(function* (
  input: unknown,
  key: Option.Option<string>
): Effect.fn.Return<Submitted, Failed, Jobs> {
  const jobs = yield* Jobs
  const { jobId, repeated } = yield* jobs.submit(
    input,
    Option.match(key, { onNone: () => ({}), onSome: (submitKey) => ({ submitKey }) })
  )
  if (!repeated) return accepted(jobId)
  const status = yield* Effect.option(jobs.find(jobId))
  return Option.match(status, {
    onNone: () => accepted(jobId),
    onSome: (job) => ({ job_id: jobId, status: job.status.status })
  })
})

const accepted = (jobId: string): Submitted => ({ job_id: jobId, status: "PENDING" })

/** The body is read once the rest of the request is known to be good. */
const submit = <R>(
  header: string | undefined,
  body: Effect.Effect<string, Refused, R>
): Effect.Effect<Submitted, Failed, R | Jobs> =>
  Effect.flatMap(submitKey(header), (key) =>
    Effect.flatMap(Effect.flatMap(body, inputOf), (input) => accept(input, key))
  )

const submitted = Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers }) =>
  submit(headers["idempotency-key"], readBody)
)

export const submitRoutes = HttpRouter.concatAll(
  implement(submitJob, what, () => submitted),
  implement(postJob, what, () => submitted)
)

const paths: ReadonlySet<string | undefined> = new Set([submitJob, postJob].flatMap(({ path }) => pathsOf(path)))

const answer = answerOf(submitJob.successSchema)

/** None is a bug, which the ordinary way reports. */
const answerPromptly = Option.liftThrowable(answer)

const answered = (submitted: Effect.Effect<Submitted, Failed, Jobs>) =>
  answering(submitJob.name, what, Effect.map(submitted, answer))

/** The same, short of what makes an ordinary request. */
export const submitDirectly: Direct<Jobs> = (request) => {
  const { headers, method, url } = request
  const key = headers["idempotency-key"]
  if (method !== "POST" || !paths.has(url) || Array.isArray(key)) return undefined
  return Option.getOrUndefined(
    Option.map(bodyOf(request), (take) =>
      key === undefined
        ? submitPromptly(take)
        : answered(
            submit(
              key,
              Effect.async((resume) => take(resume))
            )
          )
    )
  )
}

/** A record that asks for nothing but itself; any other is for the whole way. */
const submitPromptly =
  (take: TakeBody): Prompt<Jobs> =>
  (services, then) => {
    const jobs = Context.get(services, Jobs)
    let takeBack: (() => void) | void
    const begin = (input: unknown) =>
      jobs.tellSubmitted(input, (told) => {
        if (told === "unknown") return then(answered(accept(input, Option.none())))
        const made = Exit.map(told, ({ jobId }) => accepted(jobId))
        const shown = Exit.isSuccess(made) ? answerPromptly(made.value) : Option.none()
        then(Option.getOrElse(shown, () => answered(made)))
      })
    take((body) => {
      try {
        const input = Either.flatMap(body, inputOf)
        if (Either.isLeft(input)) then(answered(Effect.fail(input.left)))
        else takeBack = begin(input.right)
      } catch (bug) {
        then(answered(Effect.die(bug)))
      }
    })
    return () => takeBack?.()
  }
