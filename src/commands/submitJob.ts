import { randomUUID } from "node:crypto"
import { Effect, Option, Schedule } from "effect"
import type { Submitted } from "../api/Answers.ts"
import { errorOf } from "../client/errorOf.ts"
import type { JobForge } from "../client/JobForge.ts"
import type { JobInput } from "../api/Requests.ts"
import { callService, commandErrorOf } from "./callService.ts"
import type { CommandError } from "./CommandError.ts"
import { readConfiguration } from "./configuration/readConfiguration.ts"
import { splitTags, withImageTags } from "./configuration/withImageTags.ts"
import { connect, type ConnectOptions } from "./connect.ts"
import { recordEnded } from "./history/recordEnded.ts"
import { recordSubmitted } from "./history/recordSubmitted.ts"
import { Io } from "./Io.ts"
import { ofSubmitted } from "./looks.ts"
import { type Output, print } from "./print.ts"
import { planVersion } from "./versions/planVersion.ts"
import { exitOf } from "./watch/exitOf.ts"
import { watchJob } from "./watch/watchJob.ts"
import { programOf } from "./watch.ts"

export interface SubmitOptions extends ConnectOptions {
  readonly global?: string
  readonly imageTags?: string
  readonly watch?: boolean
  readonly history?: boolean
  /** False: no automatic version tag. */
  readonly version: boolean
  readonly idempotencyKey?: string
  readonly output: Output
}

export const submitJob = Effect.fn("submit-job")(function* (positional: string | undefined, options: SubmitOptions) {
  const configuration = yield* readConfiguration({
    positional: Option.fromNullable(positional),
    global: Option.fromNullable(options.global)
  })
  const { deployDir } = configuration
  const client = yield* connect(options)
  const { err } = yield* Io

  const { job, submitted } = yield* Effect.scoped(
    Effect.gen(function* () {
      const plan = yield* planVersion({ deployDir, enabled: options.version && configuration.version })
      const tagged = yield* withImageTags(configuration.job, {
        automatic: plan.tags,
        additional: splitTags(options.imageTags ?? "")
      })
      yield* Effect.forEach(plan.lines, (line) => err(`${line}\n`))
      const accepted = yield* submit(client, tagged, options.idempotencyKey ?? randomUUID())
      yield* plan.commit
      return { job: tagged, submitted: accepted }
    })
  )

  const jobId = submitted.job_id
  if (options.history === true) yield* recordSubmitted({ deployDir, jobId, job })
  if (options.watch !== true) return yield* print(options.output, submitted, ofSubmitted)

  const state = yield* watchJob(client, {
    id: jobId,
    knownTags: tagsOf(job),
    serviceUrl: client.baseUrl,
    program: programOf(options)
  }).pipe(Effect.mapError(commandErrorOf("watch job")))
  if (options.history === true) {
    const logs = yield* Effect.option(callService("get logs", (signal) => client.getLogs(jobId, {}, { signal })))
    yield* recordEnded({ deployDir, jobId, job, state, logs })
  }
  yield* exitOf(state)
})

/** A service that is being replaced is back soon, and the key makes sure that a second try makes no second job. */
const submit = (client: JobForge, job: JobInput, idempotencyKey: string): Effect.Effect<Submitted, CommandError> =>
  Effect.tryPromise({ try: (signal) => client.submitJob(job, { signal, idempotencyKey }), catch: errorOf }).pipe(
    Effect.retry({
      while: ({ _tag }) => _tag === "ServiceUnavailable" || _tag === "CallTimeout",
      schedule: Schedule.intersect(Schedule.exponential("300 millis"), Schedule.recurs(3))
    }),
    Effect.mapError(commandErrorOf("submit job"))
  )

/** As the domain reads them: a list, a list in JSON, or one bare tag. */
const tagsOf = (job: JobInput): ReadonlyArray<string> => {
  const tags: unknown = job.image_tags
  return Array.isArray(tags) ? tags.map(String) : []
}
