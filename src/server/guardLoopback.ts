import { type HttpApp, HttpServerRequest } from "@effect/platform"
import { Effect } from "effect"
import { jsonAnswer } from "./jsonAnswer.ts"

/**
 * A service that listens on loopback trusts whoever is on the machine, and a web page in a browser there is not meant by
 * that. So it answers only to its own names, which a rebound name of a stranger's isn't, and refuses pages of other
 * origins that `CORS_ORIGIN` doesn't name; `*` names nobody.
 */
export const guardLoopback = (options: LoopbackGuard) => {
  const fault = loopbackFault(options)
  return <E, R>(app: HttpApp.Default<E, R>): HttpApp.Default<E, R> =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers }) => {
      const details = fault({ host: headers["host"], origin: headers["origin"] })
      return details === undefined ? app : refused(details)
    })
}

export interface LoopbackGuard {
  readonly host: string
  readonly origins: ReadonlyArray<string>
}

/** Why a request with these headers is not answered, if it isn't. */
export const loopbackFault = ({
  host: own,
  origins
}: LoopbackGuard): ((headers: Readonly<Record<"host" | "origin", string | undefined>>) => string | undefined) => {
  if (!isLoopback(own)) return () => undefined
  // Whoever asks again asks by the same name.
  let known: string | undefined
  return ({ host, origin }) => {
    if (host !== undefined && host !== known && !isLoopback(hostnameOf(`http://${host}`))) {
      return `the service listens on ${own} only and does not answer to another Host`
    }
    known = host
    return origin === undefined || origins.includes(origin) || isLoopback(hostnameOf(origin))
      ? undefined
      : "pages of this Origin are not allowed; CORS_ORIGIN names those that are"
  }
}

/** Whether what listens there can be reached from the machine itself only. */
export const isLoopback = (hostname: string): boolean =>
  /^(?:localhost|(?:[a-z0-9-]+\.)+localhost|127(?:\.[0-9]{1,3}){3}|::1|\[::1\])$/i.test(hostname)

const hostnameOf = (url: string): string => (URL.canParse(url) ? new URL(url).hostname : "")

const refused = (details: string) =>
  Effect.succeed(jsonAnswer({ error: "Forbidden", code: 403, details }, { status: 403 }))
