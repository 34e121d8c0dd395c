import { Either, Effect, Option, ParseResult, Redacted, Schema } from "effect"
import type { Duration } from "effect"
import { type ApiError, Conflict, Denied, Invalid, NotFound, Unavailable } from "../http/ApiError.ts"
import type { Endpoint, HttpRequest, HttpResponse } from "../http/Transport.ts"
import { measureRequest } from "../metrics/measureRequest.ts"
import { ActingToken } from "./ActingToken.ts"
import type { ConsulConfig } from "./ConsulConfig.ts"

export interface CallRequest extends Pick<HttpRequest, "method" | "path" | "query" | "body"> {
  /** For messages: what is done to what, e.g. `kv.get jobs/web`. Never a value or a token. */
  readonly operation: string
  readonly timeout?: Duration.DurationInput
  /** Statuses above 299 that are an answer here. */
  readonly accept?: ReadonlyArray<number>
}

export type Call = (request: CallRequest) => Effect.Effect<HttpResponse, ApiError>

/** A server that has lost its leader holds a request for 7 s before it says so. */
const defaultTimeout: Duration.DurationInput = "10 seconds"

/** Sends with token, namespace and datacenter, and tells failures apart by what the caller can do. */
export const makeCall = (endpoint: Endpoint, config: ConsulConfig): Call => {
  const scope = { dc: config.datacenter, ns: config.namespace }
  const own = hider(Object.values(authHeaders(config)))
  const send = (request: CallRequest, acting: string | undefined) => {
    const hide = acting === undefined ? own : (text: string) => hider([acting])(own(text))
    return endpoint
      .request({
        method: request.method,
        path: request.path,
        query: { ...request.query, ...scope },
        timeout: request.timeout ?? defaultTimeout,
        waits: isWatch(request),
        ...(acting === undefined ? {} : { headers: { "x-consul-token": acting } }),
        ...(request.body === undefined ? {} : { body: request.body })
      })
      .pipe(
        Effect.matchEffect({
          onFailure: ({ detail }) => new Unavailable({ ...about(request), detail: hide(detail) }),
          onSuccess: (response) => {
            const { status } = response
            return (status >= 200 && status < 300) || (request.accept ?? []).includes(status)
              ? Effect.succeed(response)
              : Effect.fail(refusal(request, status, hide(excerpt(response.body))))
          }
        }),
        measureRequest("consul", kindOf(request))
      )
  }
  return (request) =>
    Effect.flatMap(ActingToken, (acting) => send(request, Option.getOrUndefined(Option.map(acting, Redacted.value))))
}

/** A blocking query takes as long as nothing changes, which says nothing about Consul. */
const kindOf = (request: CallRequest): string => (isWatch(request) ? `watch.${request.operation}` : request.operation)

const isWatch = ({ query }: CallRequest): boolean => query?.["wait"] !== undefined

/** The headers that every request to this Consul carries. */
export const authHeaders = (config: ConsulConfig): Record<string, string> => ({
  ...(config.token === undefined ? {} : { "x-consul-token": Redacted.value(config.token) }),
  ...(config.basicAuth === undefined
    ? {}
    : { authorization: `Basic ${Buffer.from(Redacted.value(config.basicAuth)).toString("base64")}` })
})

/**
 * Decodes a JSON body. What doesn't fit is told by its place only: the text around it may be a user's value.
 */
export const decodeBody = <A, I>(
  schema: Schema.Schema<A, I>
): ((request: CallRequest) => (response: HttpResponse) => Either.Either<A, Invalid>) => {
  const decode = Schema.decodeUnknownEither(Schema.parseJson(schema))
  return (request) => (response) =>
    Either.mapLeft(
      decode(new TextDecoder().decode(response.body)),
      (error) => new Invalid({ ...about(request), detail: `answer not understood at ${place(error)}` })
    )
}

/**
 * The index of a KV or catalog answer. An answer without one isn't Consul's: a proxy's 404 must not pass for an empty
 * prefix or a deleted key.
 */
export const indexOf = (request: CallRequest, response: HttpResponse): Either.Either<number, Invalid> => {
  const header = response.headers["x-consul-index"] ?? ""
  return /^\d+$/.test(header)
    ? Either.right(Number(header))
    : Either.left(
        new Invalid({ ...about(request), detail: `status ${response.status} without an index: not Consul's answer` })
      )
}

export const about = (request: Pick<CallRequest, "operation">) =>
  ({ system: "consul", operation: request.operation }) as const

const place = (error: ParseResult.ParseError): string => {
  const path = ParseResult.ArrayFormatter.formatErrorSync(error)[0]?.path ?? []
  return path.length === 0 ? "its root" : path.map(String).join(".")
}

const maxDetail = 300

const excerpt = (body: Uint8Array): string => {
  const text = new TextDecoder()
    .decode(body.subarray(0, 4 * maxDetail))
    .replaceAll(/[\s\p{Cc}]+/gu, " ")
    .trim()
  return text.length > maxDetail ? `${text.slice(0, maxDetail)}…` : text
}

/** Consul never repeats a token, but a proxy's error page may repeat the whole request. */
const hider =
  (values: ReadonlyArray<string>) =>
  (text: string): string =>
    values.reduce((hidden, secret) => (secret === "" ? hidden : hidden.replaceAll(secret, "<hidden>")), text)

type Failure = typeof NotFound | typeof Conflict | typeof Denied | typeof Invalid | typeof Unavailable

/** Consul answers 500 to much that is no outage; only the text tells. */
const byText: ReadonlyArray<readonly [RegExp, Failure]> = [
  [/permission denied|acl not found/i, Denied],
  [/^invalid session\b/, Conflict],
  [/^Check '.*' is in critical state/, Conflict],
  [/^Missing (check|node)\b.*registration/, NotFound],
  [/does not have associated TTL$|^Unknown (check|service)/, NotFound],
  [/UUID must be|^Invalid Session TTL|^Session TTL '.*' invalid|^Invalid Behavior|^strconv\.Parse/, Invalid]
]

const byStatus = (status: number, detail: string): Failure => {
  if (status === 401 || status === 403) return Denied
  // Without a word it is the path that is unknown.
  if (status === 404) return detail === "" ? Invalid : NotFound
  if (status === 409) return Conflict
  if (status === 408 || status === 429 || status >= 500) return Unavailable
  return Invalid
}

const refusal = (request: CallRequest, status: number, detail: string): ApiError => {
  const known = status >= 500 ? byText.find(([pattern]) => pattern.test(detail))?.[1] : undefined
  const failure = known ?? byStatus(status, detail)
  return new failure({ ...about(request), detail: detail === "" ? `status ${status}` : detail })
}
