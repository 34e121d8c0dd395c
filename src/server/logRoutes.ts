import { HttpRouter, HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { Effect, Either, Stream } from "effect"
import type { FoundJob } from "../store/JobFinder.ts"
import { isUpgrade } from "./acceptWebSocket.ts"
import { type Failed, failureAnswer } from "./failureAnswer.ts"
import { followEvents } from "./followEvents.ts"
import { followSocket } from "./followSocket.ts"
import { JobLogs } from "./JobLogs.ts"
import { Jobs } from "./Jobs.ts"
import { textAnswer } from "./jsonAnswer.ts"
import { followUntilStopped, hasHadAll, oneOf, readCursor } from "./logFollower.ts"
import { decodeLogQuery } from "./LogQuery.ts"
import { badRequest } from "./Refused.ts"

type Answer<R> = Effect.Effect<HttpServerResponse.HttpServerResponse, Failed, R>

const answering = <R>(answer: Answer<R>) =>
  Effect.catchAll(answer, (failed) => failureAnswer("Failed to get job logs", failed))

const follow = Effect.fnUntraced(function* (found: FoundJob, field: string, cursor: string | undefined) {
  const request = yield* HttpServerRequest.HttpServerRequest
  const from = yield* readCursor(field, cursor)
  const items = followUntilStopped(found, from, cursor)
  if (isUpgrade(request)) return yield* followSocket(items)
  // How browsers are told not to connect again.
  if (hasHadAll(found, from)) return HttpServerResponse.empty({ status: 204 })
  return yield* followEvents(items)
})

const streamLogs = answering(
  Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    const parameters = yield* HttpServerRequest.ParsedSearchParams
    const id = yield* oneOf(parameters, "job_id")
    if (id === undefined || id === "") return textAnswer("job_id parameter required\n", 400)
    const found = yield* (yield* Jobs).find(id)
    if (!isUpgrade(request)) {
      return textAnswer(
        `this is a WebSocket; without one, use /json/job/${encodeURIComponent(id)}/logs/stream\n`,
        426,
        {
          upgrade: "websocket"
        }
      )
    }
    return yield* follow(found, "from", yield* oneOf(parameters, "from"))
  })
)

const pathId = Effect.map(HttpRouter.params, ({ id = "" }) => id)

const streamById = answering(
  Effect.gen(function* () {
    const { headers } = yield* HttpServerRequest.HttpServerRequest
    const parameters = yield* HttpServerRequest.ParsedSearchParams
    const found = yield* (yield* Jobs).find(yield* pathId)
    // A browser that connects again has the old address and the newer header.
    const lastEvent = headers["last-event-id"]
    return lastEvent === undefined || lastEvent === ""
      ? yield* follow(found, "from", yield* oneOf(parameters, "from"))
      : yield* follow(found, "Last-Event-ID", lastEvent)
  })
)

const rawById = answering(
  Effect.gen(function* () {
    const logs = yield* JobLogs
    const query = decodeLogQuery(yield* HttpServerRequest.ParsedSearchParams)
    if (Either.isLeft(query)) return yield* badRequest(query.left.message)
    const unusable = rawUnusable.filter((field) => query.right[field] !== undefined)
    if (unusable.length > 0) return yield* badRequest(`${unusable.join(", ")}: not for raw logs; ask for /logs`)
    const found = yield* (yield* Jobs).find(yield* pathId)
    const body = logs.raw(found, query.right).pipe(
      // The answer has begun: its end must say that it isn't the log's.
      Stream.catchAll((error) =>
        Stream.make(new TextEncoder().encode(`\n[the log could not be read on: ${error.message}]\n`))
      )
    )
    return HttpServerResponse.stream(body, {
      contentType: "text/plain; charset=utf-8",
      headers: { "cache-control": "no-store", "x-content-type-options": "nosniff" }
    })
  })
)

const rawUnusable = ["tail", "head", "grep"] as const

/** Below these a job's id follows. */
const jobPaths = ["/json/job", "/mcp/job", "/jobs"] as const

/** Logs that are followed, by WebSocket or server-sent events, and logs as they were written. */
export const logRoutes = HttpRouter.fromIterable([
  HttpRouter.makeRoute("GET", "/json/streamLogs", streamLogs),
  HttpRouter.makeRoute("GET", "/mcp/streamLogs", streamLogs),
  ...jobPaths.flatMap((path) => [
    HttpRouter.makeRoute("GET", `${path}/:id/logs/stream`, streamById),
    HttpRouter.makeRoute("GET", `${path}/:id/logs/raw`, rawById)
  ])
])
