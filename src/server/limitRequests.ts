import { type HttpApp, HttpServerRequest, type HttpServerResponse } from "@effect/platform"
import { Effect } from "effect"
import { isOpen } from "./authenticate.ts"
import { failureAnswer } from "./failureAnswer.ts"
import { type LimitReached, Limits } from "./Limits.ts"
import { addressKey, callerKey } from "./takePlace.ts"

/**
 * Refuses what is too much. Goes inside `authenticate`, so that a caller is one wherever it calls from. What is open to
 * everybody has buckets of its own: nobody's requests turn a probe red.
 */
export const limitRequests = <E, R>(app: HttpApp.Default<E, R>): HttpApp.Default<E, R | Limits> =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
    Effect.flatMap(
      isOpen(request) ? Effect.map(addressKey, (key) => `open ${key}`) : callerKey,
      (key): HttpApp.Default<E, R | Limits> =>
        Effect.flatMap(Limits, (limits): HttpApp.Default<E, R> => {
          const reached = limits.request(key)
          return reached === undefined ? app : tooMany(reached)
        })
    )
  )

export const tooMany = (reached: LimitReached): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
  failureAnswer("Too many requests", reached)
