import { type HttpApp, HttpServerRequest, type HttpServerResponse } from "@effect/platform"
import * as HttpServerError from "@effect/platform/HttpServerError"
import { type Clock, Effect, type Exit } from "effect"
import { family } from "../metrics/families.ts"
import { Metrics } from "../metrics/Metrics.ts"

/** Counts the answers of an app and how long they took. Outermost, so that what is refused counts too. */
export const measureAnswers = <E, R>(app: HttpApp.Default<E, R>): HttpApp.Default<E, R> =>
  Effect.flatMap(Metrics, (metrics) => {
    if (!metrics.enabled) return app
    return Effect.flatMap(Effect.all([HttpServerRequest.HttpServerRequest, Effect.clock]), ([request, clock]) => {
      const note = answerMeter(metrics, clock, request.method)
      return Effect.onExit(app, (exit) => Effect.sync(() => note(exit)))
    })
  })

/** The time runs from this call. */
export const answerMeter = (
  metrics: Metrics["Type"],
  clock: Clock.Clock,
  verb: string
): (<E>(exit: Exit.Exit<HttpServerResponse.HttpServerResponse, E>) => void) => {
  const began = clock.unsafeCurrentTimeNanos()
  const method = known.has(verb) ? verb : "other"
  return (exit) => {
    const { status } = HttpServerError.exitResponse(exit)
    metrics.add(family.httpRequests, { method, code: String(status) })
    metrics.observe(family.httpTime, { method }, Number(clock.unsafeCurrentTimeNanos() - began) / 1e9)
  }
}

const known: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
