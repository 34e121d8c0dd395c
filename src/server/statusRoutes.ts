import { HttpRouter, type HttpServerRequest, type HttpServerResponse } from "@effect/platform"
import type { Socket } from "node:net"
import { Context, type Duration, Effect, Either, Option, Schema, type Scope } from "effect"
import type { History } from "../api/Answers.ts"
import { getHistory, getJob, getStatus, listJobs, readStatus, testEndpoint, testResult } from "../api/JobEndpoints.ts"
import { JobState } from "../api/JobState.ts"
import { JobStatus, type Status } from "../domain/Status.ts"
import type { FoundJob } from "../store/JobFinder.ts"
import type { Direct, Prompt } from "./Direct.ts"
import type { Failed } from "./failureAnswer.ts"
import { answering, type Asked, implement, implementRaw } from "./implement.ts"
import { type JobQuery, Jobs } from "./Jobs.ts"
import { jsonAnswer } from "./jsonAnswer.ts"
import { keepOpen, keepSocketOpen } from "./keepOpen.ts"
import { type LimitReached, Limits } from "./Limits.ts"
import { badRequest, Refused } from "./Refused.ts"
import { historyView, statusView } from "./statusView.ts"
import { Stopping } from "./Stopping.ts"
import { keyOfAddress, takePlace, takePlaceAs } from "./takePlace.ts"
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

/** None is a bug, which the ordinary way reports. */
const shownPromptly = Option.liftThrowable(shown)

const find = (id: string): Effect.Effect<HttpServerResponse.HttpServerResponse, Failed, Jobs> =>
  Effect.flatMap(Jobs, (jobs) => Effect.map(jobs.find(id), shown))

/** A query that asks for a newer status than some, or for whatever there is. */
type WaitQuery = { readonly wait?: string | undefined; readonly index?: string | undefined }

/** The status, or a newer one. `begin` makes the request one of those that wait. */
const look = <R>(
  id: string,
  query: WaitQuery,
  begin: (within: Duration.Duration) => Effect.Effect<void, LimitReached, R>
): Effect.Effect<HttpServerResponse.HttpServerResponse, Failed, R | Jobs> =>
  Effect.flatMap(waitOf(query), (wait): Effect.Effect<HttpServerResponse.HttpServerResponse, Failed, R | Jobs> => {
    if (Option.isNone(wait)) return find(id)
    const { index, within } = wait.value
    return Effect.gen(function* () {
      const jobs = yield* Jobs
      const stopping = yield* Stopping
      yield* begin(within)
      return shown(yield* jobs.wait(id, index, within, stopping.signal))
    })
  })

const read = Effect.fnUntraced(function* (
  asked: Asked<{ readonly id: string }, WaitQuery, never>
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
  const { id } = yield* asked.path
  return yield* look(id, yield* asked.urlParams, (within) => Effect.zipRight(takePlace, keepOpen(within)))
})

/** The paths of one job's status with nothing in them to decode, and at most the two parameters once each. */
const plainPath =
  /^\/(?:(?:json|mcp)\/job\/([\w.~-]{1,255})\/status|jobs\/([\w.~-]{1,255})(?:\/status)?)(?:\?(?:wait=([\w.]+)&index=(\d+)|index=(\d+)&wait=([\w.]+)))?$/

/** The same, short of what makes an ordinary request. */
export const statusDirectly: Direct<Jobs | Limits> = (request) => {
  const { headers, method, socket, url = "" } = request
  if (method !== "GET" || headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined) return
  const [, inJson, inJobs, wait, index, indexFirst, waitLast] = plainPath.exec(url) ?? []
  const id = inJson ?? inJobs
  if (id === undefined) return
  const query = { wait: wait ?? waitLast, index: index ?? indexFirst }
  if (query.index !== undefined) return waitPromptly(id, query, socket)
  return (services, then) =>
    Context.get(services, Jobs).tell(id, (found) =>
      then(Option.getOrElse(Option.flatMap(found, shownPromptly), () => answered(find(id))))
    )
}

/** A wait for news of a status that has the record's name; any other is for the whole way. */
const waitPromptly =
  (id: string, query: WaitQuery, socket: Socket): Prompt<Jobs | Limits> =>
  (services, then) => {
    const key = keyOfAddress(socket.remoteAddress)
    const whole = () =>
      answered(
        Effect.scoped(
          look(id, query, (within) => {
            keepSocketOpen(socket, within)
            return takePlaceAs(key)
          })
        )
      )
    const wait = Either.getRight(waitOf(query)).pipe(Option.flatten, Option.getOrUndefined)
    if (wait === undefined) return then(whole())
    const place = Context.get(services, Limits).enter(key)
    if (Either.isLeft(place)) return then(answered(Effect.fail(place.left)))
    const leave = place.right
    keepSocketOpen(socket, wait.within)
    const { signal } = Context.get(services, Stopping)
    const cancel = Context.get(services, Jobs).tellNewer(id, wait.index, wait.within, signal, (told) => {
      leave()
      if (told === "unknown") return then(whole())
      const news = told === "over" ? Option.none() : shownPromptly(told)
      then(Option.getOrElse(news, () => answered(find(id))))
    })
    return () => {
      cancel()
      leave()
    }
  }

const answered = <R>(
  app: Effect.Effect<HttpServerResponse.HttpServerResponse, Failed, R>
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, R> => answering(readStatus.name, what, app)

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
  implementRaw(getStatus, what, (asked) => Effect.flatMap(asked.payload, ({ job_id: id }) => find(id))),
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
