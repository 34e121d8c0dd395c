import { HttpRouter, HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { Effect, Either, Stream } from "effect"
import { followLogs, rawLogs } from "../api/JobEndpoints.ts"
import type { FoundJob } from "../store/JobFinder.ts"
import { isUpgrade } from "./acceptWebSocket.ts"
import { followEvents } from "./followEvents.ts"
import { followSocket } from "./followSocket.ts"
import { answering, implementRaw } from "./implement.ts"
import { JobLogs } from "./JobLogs.ts"
import { Jobs } from "./Jobs.ts"
import { textAnswer } from "./jsonAnswer.ts"
import { followUntilStopped, hasHadAll, oneOf, readCursor } from "./logFollower.ts"
import { decodeLogQuery } from "./LogQuery.ts"
import { badRequest } from "./Refused.ts"
import { takePlace } from "./takePlace.ts"

const what = "Failed to get job logs"

const follow = Effect.fnUntraced(function* (found: FoundJob, field: string, cursor: string | undefined) {
  const request = yield* HttpServerRequest.HttpServerRequest
  const from = yield* readCursor(field, cursor)
  yield* takePlace
  const items = followUntilStopped(found, from, cursor)
  if (isUpgrade(request)) return yield* followSocket(items)
  // How browsers are told not to connect again.
  if (hasHadAll(found, from)) return HttpServerResponse.empty({ status: 204 })
  return yield* followEvents(items)
})

const streamLogs = answering(
  "streamLogs",
  what,
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

const streamById = implementRaw(followLogs, what, (asked) =>
  Effect.gen(function* () {
    const { headers } = yield* HttpServerRequest.HttpServerRequest
    const parameters = yield* HttpServerRequest.ParsedSearchParams
    const { id } = yield* asked.path
    const found = yield* (yield* Jobs).find(id)
    // A browser that connects again has the old address and the newer header.
    const lastEvent = headers["last-event-id"]
    return lastEvent === undefined || lastEvent === ""
      ? yield* follow(found, "from", yield* oneOf(parameters, "from"))
      : yield* follow(found, "Last-Event-ID", lastEvent)
  })
)

const rawById = implementRaw(rawLogs, what, (asked) =>
  Effect.gen(function* () {
    const logs = yield* JobLogs
    const query = decodeLogQuery(yield* HttpServerRequest.ParsedSearchParams)
    if (Either.isLeft(query)) return yield* badRequest(query.left.message)
    const unusable = rawUnusable.filter((field) => query.right[field] !== undefined)
    if (unusable.length > 0) return yield* badRequest(`${unusable.join(", ")}: not for raw logs; ask for /logs`)
    const { id } = yield* asked.path
    const found = yield* (yield* Jobs).find(id)
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

/** Logs that are followed, by WebSocket or server-sent events, and logs as they were written. */
export const logRoutes = HttpRouter.concatAll(
  HttpRouter.fromIterable([
    HttpRouter.makeRoute("GET", "/json/streamLogs", streamLogs),
    HttpRouter.makeRoute("GET", "/mcp/streamLogs", streamLogs)
  ]),
  streamById,
  rawById
)
