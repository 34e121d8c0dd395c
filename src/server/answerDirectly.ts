import type { IncomingMessage, RequestListener } from "node:http"
import * as HttpServerError from "@effect/platform/HttpServerError"
import { Effect, Option, Runtime } from "effect"
import { Metrics } from "../metrics/Metrics.ts"
import { Authentication } from "./Authentication.ts"
import { corsHeaders } from "./cors.ts"
import type { Direct } from "./Direct.ts"
import { loopbackFault, type LoopbackGuard } from "./guardLoopback.ts"
import { limited } from "./limitRequests.ts"
import type { Limits } from "./Limits.ts"
import { answerMeter } from "./measureAnswers.ts"
import { keyOfAddress } from "./takePlace.ts"

/** Whether a request is answered here. */
export type Shortcut = (...request: Parameters<RequestListener>) => boolean

/**
 * Answers what is asked most without the layers that make a request of the whole interface, and that cost several times
 * what the answer does. Everything is judged as there and by the same functions; whatever isn't plain, as a caller that has
 * to be known or a page that may not ask, is left to it.
 */
export const answerDirectly = <R>(
  guard: LoopbackGuard,
  direct: ReadonlyArray<Direct<R>>
): Effect.Effect<Shortcut, never, R | Authentication | Limits> =>
  Effect.gen(function* () {
    const runFork = Runtime.runFork(yield* Effect.runtime<R | Limits>())
    const { identify } = yield* Authentication
    const isAnybodys = yield* Effect.match(identify({}), {
      onFailure: () => false,
      onSuccess: ({ caller }) => Option.isNone(caller)
    })
    const metrics = yield* Metrics
    const clock = yield* Effect.clock
    const fault = loopbackFault(guard)

    return (request, response) => {
      const { host, origin } = request.headers
      if (!isAnybodys || fault({ host, origin }) !== undefined) return false
      const app = firstOf(direct, request)
      if (app === undefined) return false
      const note = metrics.enabled ? answerMeter(metrics, clock, request.method ?? "") : () => {}
      const fiber = runFork(limited(keyOfAddress(request.socket.remoteAddress), app))
      fiber.addObserver((exit) => {
        note(exit)
        if (response.writableEnded) return
        const { body, headers, status } = HttpServerError.exitResponse(exit)
        response.writeHead(status, { ...headers, ...corsHeaders(guard.origins, origin) })
        response.end(body._tag === "Uint8Array" ? body.body : undefined)
      })
      response.once("close", () => {
        if (!response.writableEnded) fiber.unsafeInterruptAsFork(HttpServerError.clientAbortFiberId)
      })
      return true
    }
  })

const firstOf = <R>(direct: ReadonlyArray<Direct<R>>, request: IncomingMessage): ReturnType<Direct<R>> => {
  for (const one of direct) {
    const app = one(request)
    if (app !== undefined) return app
  }
  return undefined
}
