import { type HttpApp, HttpServerRequest, type HttpServerResponse } from "@effect/platform"
import { Effect, type Scope } from "effect"
import { isOpen } from "./authenticate.ts"
import { anybody, Caller } from "./Caller.ts"
import { jsonAnswer } from "./jsonAnswer.ts"
import { addressKey, type LimitReached, Limits } from "./Limits.ts"

/**
 * Refuses what is too much. Goes inside `authenticate`, so that a caller is one wherever it calls from; without
 * authentication an address is. What is open to everybody has buckets of its own: nobody's requests turn a probe red.
 */
export const limitRequests = <E, R>(app: HttpApp.Default<E, R>): HttpApp.Default<E, R | Limits | Scope.Scope> =>
  Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    const limits = yield* Limits
    const key = yield* limitKey
    yield* limits.request(isOpen(request) ? `open ${addressKey(request.remoteAddress)}` : key)
    if (waits(request)) yield* limits.waiter(key)
  }).pipe(
    Effect.matchEffect({
      onFailure: (reached) => Effect.succeed(refusal(reached)),
      onSuccess: (): HttpApp.Default<E, R> => app
    })
  )

/** Whose bucket and places the request in hand takes. */
export const limitKey = Effect.gen(function* () {
  const { remoteAddress } = yield* HttpServerRequest.HttpServerRequest
  const caller = yield* Caller
  return caller === anybody ? addressKey(remoteAddress) : caller.name
})

/**
 * Long polls, event streams and sockets. A POST that waits is not to be seen from outside: whoever answers it takes a
 * place by `Limits.waiter` itself.
 */
const waits = ({ headers, method, url }: HttpServerRequest.HttpServerRequest): boolean => {
  if (method !== "GET") return false
  return (
    (headers["upgrade"] ?? "").toLowerCase() === "websocket" ||
    (headers["accept"] ?? "").includes("text/event-stream") ||
    /[?&](?:wait|index|follow)=|^[^?]*\/(?:events|logs\/stream)\/?(?:\?|$)/.test(url)
  )
}

const refusal = ({ detail, retryAfter }: LimitReached): HttpServerResponse.HttpServerResponse =>
  jsonAnswer(
    { error: "Too many requests", code: 429, details: detail },
    { status: 429, headers: { "retry-after": String(Math.max(1, retryAfter)) } }
  )
