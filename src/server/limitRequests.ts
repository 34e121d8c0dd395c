import { type HttpApp, HttpServerRequest } from "@effect/platform"
import { Effect } from "effect"
import { isOpen } from "./authenticate.ts"
import { failureAnswer } from "./failureAnswer.ts"
import { Limits } from "./Limits.ts"
import { addressKey, callerKey } from "./takePlace.ts"

/**
 * Refuses what is too much. Goes inside `authenticate`, so that a caller is one wherever it calls from. What is open to
 * everybody has buckets of its own: nobody's requests turn a probe red.
 */
export const limitRequests = <E, R>(app: HttpApp.Default<E, R>): HttpApp.Default<E, R | Limits> =>
  Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    const limits = yield* Limits
    yield* limits.request(isOpen(request) ? `open ${yield* addressKey}` : yield* callerKey)
  }).pipe(
    Effect.matchEffect({
      onFailure: (reached) => failureAnswer("Too many requests", reached),
      onSuccess: (): HttpApp.Default<E, R> => app
    })
  )
