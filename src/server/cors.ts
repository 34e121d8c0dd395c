import { type HttpApp, HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { Effect } from "effect"

/** `CORS_ORIGIN`: `*`, or origins parted by commas. */
export const corsOriginsOf = (text: string): ReadonlyArray<string> =>
  text
    .split(",")
    .map((origin) => origin.trim().replace(/\/$/, ""))
    .filter((origin) => origin !== "")

/**
 * Lets scripts of these origins read the answers, and answers the question that browsers ask before. It lets nobody in
 * whom the service would refuse otherwise.
 */
export const withCors =
  (origins: ReadonlyArray<string>) =>
  <E, R>(app: HttpApp.Default<E, R>): HttpApp.Default<E, R> =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
      const asking = request.headers["origin"]
      if (request.method !== "OPTIONS") {
        return Effect.map(app, HttpServerResponse.setHeaders(corsHeaders(origins, asking)))
      }
      return Effect.succeed(
        HttpServerResponse.empty({
          status: 200,
          headers: {
            ...allowedOrigin(origins, asking),
            "access-control-allow-methods": methodsFor(request.url),
            "access-control-allow-headers": headersFor(request.headers["access-control-request-headers"]),
            "access-control-max-age": "3600"
          }
        })
      )
    })

/** What every answer says to a page of this origin. */
export const corsHeaders = (
  origins: ReadonlyArray<string>,
  asking: string | undefined
): Readonly<Record<string, string>> => ({
  ...allowedOrigin(origins, asking),
  "access-control-expose-headers": exposed
})

/** One origin is told to everybody, as documented; of several the one that asks. */
const allowedOrigin = (
  origins: ReadonlyArray<string>,
  asking: string | undefined
): Readonly<Record<string, string>> => {
  const [first] = origins
  if (first === undefined) return {}
  if (origins.includes("*")) return { "access-control-allow-origin": "*" }
  const origin = asking !== undefined && origins.includes(asking) ? asking : first
  return { "access-control-allow-origin": origin, vary: "Origin" }
}

/** The two paths of JSON-RPC know nothing but POST. */
const methodsFor = (url: string): string =>
  /^\/(?:json|mcp)\/?(?:\?|$)/.test(url) ? "POST, OPTIONS" : "GET, POST, DELETE, OPTIONS"

/** The documented ones always, others that the service reads where a browser asks for them. */
const headersFor = (asked: string | undefined): string => {
  const names = new Set((asked ?? "").split(",").map((name) => name.trim().toLowerCase()))
  return ["Content-Type", "mcp-protocol-version", ...understood.filter((name) => names.has(name))].join(", ")
}

const understood = [
  "accept",
  "authorization",
  "idempotency-key",
  "last-event-id",
  "mcp-method",
  "mcp-name",
  "mcp-session-id",
  "x-consul-token"
]

const exposed = "X-Jobforge-Index, Retry-After, Mcp-Session-Id, WWW-Authenticate"
