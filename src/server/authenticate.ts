import { type HttpApp, HttpServerRequest, type HttpServerResponse } from "@effect/platform"
import { Effect, Option } from "effect"
import { ActingToken } from "../consul/ActingToken.ts"
import { Authentication, type Unauthenticated } from "./Authentication.ts"
import { Caller } from "./Caller.ts"
import { jsonAnswer } from "./jsonAnswer.ts"

/**
 * Lets a request in once it is known whom it comes from, and tells the app: `Caller` for what it may see and do, and the
 * token that it acts with in Consul.
 *
 * Open to everybody are what says nothing of any job: the probes, the interface's description, and a browser's question
 * whether it may ask, which carries no token.
 */
export const authenticate = <E, R>(app: HttpApp.Default<E, R>): HttpApp.Default<E, R | Authentication> =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
    if (isOpen(request)) return app
    return Effect.flatMap(Authentication, ({ identify }) =>
      Effect.matchEffect(identify(request.headers), {
        onFailure: (failure) => Effect.succeed(refusal(failure)),
        onSuccess: ({ acting, caller }): HttpApp.Default<E, R> =>
          Option.match(caller, {
            onNone: () => app,
            onSome: (known) =>
              app.pipe(
                Effect.provideService(Caller, known),
                Effect.provideService(ActingToken, acting),
                Effect.annotateLogs({ caller: known.name })
              )
          })
      })
    )
  })

/** Documented with `authenticate`; a page of the docs is as open as its folder. */
export const isOpen = ({ method, url }: Pick<HttpServerRequest.HttpServerRequest, "method" | "url">): boolean => {
  const path = url.split("?", 1)[0] ?? url
  return method === "OPTIONS" || openPaths.has(path) || path.startsWith("/docs/")
}

const openPaths: ReadonlySet<string> = new Set(["/health", "/ready", "/openapi.json", "/docs"])

const refusal = ({ detail, why }: Unauthenticated): HttpServerResponse.HttpServerResponse => {
  if (why === "undecided") {
    const body = { error: "Authentication is not possible", code: 503, details: detail }
    return jsonAnswer(body, { status: 503, headers: { "retry-after": "2" } })
  }
  const challenge = `Bearer realm="jobforge"${why === "unknown" ? ', error="invalid_token"' : ""}`
  const body = { error: "Authentication required", code: 401, details: detail }
  return jsonAnswer(body, { status: 401, headers: { "www-authenticate": challenge } })
}
