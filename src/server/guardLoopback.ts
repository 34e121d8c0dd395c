import { type HttpApp, HttpServerRequest } from "@effect/platform"
import { Effect } from "effect"
import { jsonAnswer } from "./jsonAnswer.ts"

/**
 * A service that listens on loopback trusts whoever is on the machine, and a web page in a browser there is not meant by
 * that. So it answers only to its own names, which a rebound name of a stranger's isn't, and refuses pages of other
 * origins that `CORS_ORIGIN` doesn't name; `*` names nobody.
 */
export const guardLoopback =
  (options: { readonly host: string; readonly origins: ReadonlyArray<string> }) =>
  <E, R>(app: HttpApp.Default<E, R>): HttpApp.Default<E, R> => {
    if (!isLoopback(options.host)) return app
    return Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers }) => {
      const host = headers["host"]
      if (host !== undefined && !isLoopback(hostnameOf(`http://${host}`))) {
        return refused(`the service listens on ${options.host} only and does not answer to another Host`)
      }
      const origin = headers["origin"]
      if (origin !== undefined && !options.origins.includes(origin) && !isLoopback(hostnameOf(origin))) {
        return refused("pages of this Origin are not allowed; CORS_ORIGIN names those that are")
      }
      return app
    })
  }

/** Whether what listens there can be reached from the machine itself only. */
export const isLoopback = (hostname: string): boolean =>
  /^(?:localhost|(?:[a-z0-9-]+\.)+localhost|127(?:\.[0-9]{1,3}){3}|::1|\[::1\])$/i.test(hostname)

const hostnameOf = (url: string): string => (URL.canParse(url) ? new URL(url).hostname : "")

const refused = (details: string) =>
  Effect.succeed(jsonAnswer({ error: "Forbidden", code: 403, details }, { status: 403 }))
