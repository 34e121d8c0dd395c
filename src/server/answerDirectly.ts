import type { IncomingMessage, RequestListener } from "node:http"
import * as HttpServerError from "@effect/platform/HttpServerError"
import { HttpServerResponse } from "@effect/platform"
import { Context, Effect, Exit, Option, Runtime } from "effect"
import { Metrics } from "../metrics/Metrics.ts"
import { Authentication } from "./Authentication.ts"
import { corsHeaders } from "./cors.ts"
import type { Direct, DirectApp } from "./Direct.ts"
import { loopbackFault, type LoopbackGuard } from "./guardLoopback.ts"
import { tooMany } from "./limitRequests.ts"
import { Limits } from "./Limits.ts"
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
  all: ReadonlyArray<Direct<R>>
): Effect.Effect<Shortcut, never, R | Authentication | Limits> =>
  Effect.gen(function* () {
    const runtime = yield* Effect.runtime<R | Limits>()
    const runFork = Runtime.runFork(runtime)
    const limits = Context.get(runtime.context, Limits)
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
      const direct = firstOf(all, request)
      if (direct === undefined) return false
      const note = metrics.enabled ? answerMeter(metrics, clock, request.method ?? "") : () => {}
      const answer = ({ body, headers, status }: HttpServerResponse.HttpServerResponse) => {
        if (response.writableEnded) return
        response.writeHead(status, { ...headers, ...corsHeaders(guard.origins, origin) })
        response.end(body._tag === "Uint8Array" ? body.body : undefined)
      }
      const onLeaving = (act: () => void) =>
        response.once("close", () => {
          if (!response.writableEnded) act()
        })
      const run = (app: DirectApp<R>) => {
        if (HttpServerResponse.isServerResponse(app)) {
          note(Exit.succeed(app))
          return answer(app)
        }
        const fiber = runFork(app)
        fiber.addObserver((exit) => {
          note(exit)
          answer(HttpServerError.exitResponse(exit))
        })
        onLeaving(() => fiber.unsafeInterruptAsFork(HttpServerError.clientAbortFiberId))
      }
      const reached = limits.request(keyOfAddress(request.socket.remoteAddress))
      if (reached !== undefined) run(tooMany(reached))
      else if (Effect.isEffect(direct)) run(direct)
      else {
        // Whoever calls back tells many, and none of the others is to suffer from a bug in one answer.
        const cancel = direct(runtime.context, (app) => {
          try {
            run(app)
          } catch (bug) {
            response.destroy()
            runFork(Effect.logError("bug in the HTTP interface", bug))
          }
        })
        if (cancel !== undefined) onLeaving(cancel)
      }
      return true
    }
  })

const firstOf = <R>(all: ReadonlyArray<Direct<R>>, request: IncomingMessage): ReturnType<Direct<R>> => {
  for (const one of all) {
    const answer = one(request)
    if (answer !== undefined) return answer
  }
  return undefined
}
