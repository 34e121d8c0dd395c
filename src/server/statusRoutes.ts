import { HttpRouter, type HttpServerRequest, type HttpServerResponse } from "@effect/platform"
import { Effect, Option, Schema, type Scope } from "effect"
import type { History } from "../api/Answers.ts"
import { getHistory, getJob, getStatus, listJobs, readStatus, testEndpoint, testResult } from "../api/JobEndpoints.ts"
import { JobState } from "../api/JobState.ts"
import { JobStatus, type Status } from "../domain/Status.ts"
import type { FoundJob } from "../store/JobFinder.ts"
import type { Failed } from "./failureAnswer.ts"
import { type Asked, implement, implementRaw } from "./implement.ts"
import { type JobQuery, Jobs } from "./Jobs.ts"
import { jsonAnswer } from "./jsonAnswer.ts"
import { keepOpen } from "./keepOpen.ts"
import type { Limits } from "./Limits.ts"
import { badRequest, Refused } from "./Refused.ts"
import { historyView, statusView } from "./statusView.ts"
import { Stopping } from "./Stopping.ts"
import { takePlace } from "./takePlace.ts"
import { waitOf } from "./waitOf.ts"

const what = "Failed to get job"

const encode = Schema.encodeSync(JobState)

/** By the very status that was read: many are told the same one, which is put into words once. */
const answers = new WeakMap<
  Status,
  { readonly found: FoundJob; readonly answer: HttpServerResponse.HttpServerResponse }
>()

const shown = (found: FoundJob): HttpServerResponse.HttpServerResponse => {
  const known = answers.get(found.status)
  if (known?.found.index === found.index && known.found.archived === found.archived) return known.answer
  const answer = jsonAnswer(encode(statusView(found)), { headers: { "x-jobforge-index": String(found.index) } })
  answers.set(found.status, { found, answer })
  return answer
}

/** The status, or a newer one. */
const read = Effect.fnUntraced(function* (
  asked: Asked<
    { readonly id: string },
    { readonly wait?: string | undefined; readonly index?: string | undefined },
    never
  >
): Effect.fn.Return<
  HttpServerResponse.HttpServerResponse,
  Failed,
  | Jobs
  | Limits
  | HttpRouter.RouteContext
  | HttpServerRequest.HttpServerRequest
  | HttpServerRequest.ParsedSearchParams
  | Scope.Scope
> {
  const jobs = yield* Jobs
  const { id } = yield* asked.path
  const wait = yield* waitOf(yield* asked.urlParams)
  if (Option.isNone(wait)) return yield* Effect.map(jobs.find(id), shown)
  const { index, within } = wait.value
  const stopping = yield* Stopping
  yield* takePlace
  yield* keepOpen(within)
  return yield* Effect.map(jobs.wait(id, index, within, stopping.signal), shown)
})

/** Where a client names no limit, or none that makes sense; and where it names too high a one. */
const usualLimit = 50
const highestLimit = 1000

const page = Effect.fnUntraced(function* (query: {
  readonly limit?: number | undefined
  readonly offset?: number | undefined
  readonly owner?: string | undefined
  readonly status?: ReadonlyArray<JobStatus> | undefined
}): Effect.fn.Return<History, Failed, Jobs> {
  const jobs = yield* Jobs
  const { limit = 0, offset = 0, owner, status } = query
  const wanted: JobQuery = {
    limit: limit <= 0 ? usualLimit : Math.min(limit, highestLimit),
    offset: Math.max(offset, 0),
    ...(owner === undefined ? {} : { owner }),
    ...(status === undefined ? {} : { status })
  }
  const { jobs: found, total } = yield* jobs.list(wanted)
  return { jobs: found.map(historyView), total }
})

const isStatus = (text: string): text is JobStatus => JobStatus.literals.some((status) => status === text)

const statusesOf = (text: string): Effect.Effect<ReadonlyArray<JobStatus>, Refused> => {
  const named = text.split(",").map((part) => part.trim().toUpperCase())
  return named.every(isStatus)
    ? Effect.succeed(named)
    : Effect.fail(badRequest(`status must be of ${JobStatus.literals.join(", ")}`))
}

const noExternalTest = Effect.fnUntraced(function* (asked: Asked<{ readonly id: string }, never, never>) {
  const jobs = yield* Jobs
  const { id } = yield* asked.path
  yield* jobs.find(id)
  return yield* new Refused({
    code: 400,
    error: "Job is not configured for external python tests",
    details: "tests run in Nomad: test.commands and test.entry_point"
  })
})

export const statusRoutes = HttpRouter.concatAll(
  implementRaw(getStatus, what, (asked) =>
    Effect.gen(function* () {
      const jobs = yield* Jobs
      const { job_id: id } = yield* asked.payload
      return yield* Effect.map(jobs.find(id), shown)
    })
  ),
  implementRaw(readStatus, what, read),
  implementRaw(getJob, what, read),
  implement(getHistory, "Failed to get job history", (asked) =>
    Effect.flatMap(asked.payload, ({ status, ...rest }) =>
      page({ ...rest, status: typeof status === "string" ? [status] : status })
    )
  ),
  implement(listJobs, "Failed to get job history", (asked) =>
    Effect.gen(function* () {
      const { status, ...rest } = yield* asked.urlParams
      if (status === undefined || status.trim() === "") return yield* page(rest)
      return yield* page({ ...rest, status: yield* statusesOf(status) })
    })
  ),
  implement(testEndpoint, what, noExternalTest),
  implement(testResult, what, noExternalTest)
)
