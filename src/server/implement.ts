import {
  type HttpApiEndpoint,
  type HttpMethod,
  HttpRouter,
  HttpServerRequest,
  type HttpServerResponse
} from "@effect/platform"
import { Effect, Option, ParseResult, Schema, SchemaAST } from "effect"
import { defectAnswer, type Failed, failureAnswer } from "./failureAnswer.ts"
import { jsonAnswer } from "./jsonAnswer.ts"
import { invalidBody, readFields, withKnownNames } from "./readBody.ts"
import { badRequest, Refused } from "./Refused.ts"

/** The parts of a request, each decoded when it is asked for. One that the endpoint doesn't define is a bug to ask for. */
export interface Asked<Path, UrlParams, Payload> {
  readonly path: Effect.Effect<Path, Refused, HttpRouter.RouteContext>
  readonly urlParams: Effect.Effect<UrlParams, Refused, HttpServerRequest.ParsedSearchParams>
  readonly payload: Effect.Effect<Payload, Refused, HttpServerRequest.HttpServerRequest>
}

type Provided = HttpRouter.HttpRouter.Provided

/**
 * Serves an endpoint of the definition on all its paths.
 *
 * It is not `HttpApiBuilder`, since clients may rely on more than that knows: any Content-Type, names in any case, data
 * after the first value, errors without tags, and several paths for one endpoint. Paths, methods, inputs and answers
 * still come from the definition alone.
 */
export const implement = <
  Name extends string,
  Method extends HttpMethod.HttpMethod,
  Path,
  UrlParams,
  Payload,
  Headers,
  Success,
  Errors,
  R
>(
  endpoint: HttpApiEndpoint.HttpApiEndpoint<Name, Method, Path, UrlParams, Payload, Headers, Success, Errors>,
  /** What an error answers that has no words of its own: `Failed to get job`. */
  what: string,
  handle: (asked: Asked<Path, UrlParams, Payload>) => Effect.Effect<Success, Failed, R>
): HttpRouter.HttpRouter<never, Exclude<R, Provided>> => {
  const answer = answerOf(endpoint.successSchema)
  return implementRaw(endpoint, what, (asked) => Effect.map(handle(asked), answer))
}

/** What an endpoint's success looks like on the wire. A success that its schema doesn't allow is a bug, and throws. */
export const answerOf = <A, I>(
  schema: Schema.Schema<A, I>
): ((success: A) => HttpServerResponse.HttpServerResponse) => {
  const encode = Schema.encodeSync(schema)
  return (success) => jsonAnswer(encode(success))
}

/** The same for an endpoint whose answer is no JSON value. */
export const implementRaw = <
  Name extends string,
  Method extends HttpMethod.HttpMethod,
  Path,
  UrlParams,
  Payload,
  Headers,
  Success,
  Errors,
  R
>(
  endpoint: HttpApiEndpoint.HttpApiEndpoint<Name, Method, Path, UrlParams, Payload, Headers, Success, Errors>,
  what: string,
  handle: (asked: Asked<Path, UrlParams, Payload>) => Effect.Effect<HttpServerResponse.HttpServerResponse, Failed, R>
): HttpRouter.HttpRouter<never, Exclude<R, Provided>> => {
  const asked: Asked<Path, UrlParams, Payload> = {
    path: part(endpoint.pathSchema, "path", HttpRouter.params),
    urlParams: part(endpoint.urlParamsSchema, "query", HttpServerRequest.ParsedSearchParams),
    payload: part(
      endpoint.payloadSchema,
      "body",
      Effect.map(readFields, ({ value }) => value)
    )
  }
  const app = answering(endpoint.name, what, handle(asked))
  return HttpRouter.fromIterable(pathsOf(endpoint.path).map((path) => HttpRouter.makeRoute(endpoint.method, path, app)))
}

/** What a handler fails with as its answer; `what` as for `implement`. */
export const answering = <R>(
  name: string,
  what: string,
  handler: Effect.Effect<HttpServerResponse.HttpServerResponse, Failed, R>
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, R> =>
  handler.pipe(
    Effect.catchAll((failed) => Effect.zipRight(reportFailure(name, failed), failureAnswer(what, failed))),
    Effect.catchAllDefect((defect) =>
      Effect.zipRight(Effect.logError("bug in an HTTP handler", defect), defectAnswer(what))
    )
  )

/** Where an endpoint is served besides its own path. */
export const pathsOf = (path: `/${string}`): ReadonlyArray<`/${string}`> => {
  if (!path.startsWith("/json/")) return [path]
  const rest = path.slice("/json/".length)
  const paths: ReadonlyArray<`/${string}`> = [path, `/mcp/${rest}`]
  return rest.startsWith("job/:id/") ? [...paths, `/jobs/${rest.slice("job/".length)}`] : paths
}

const part = <A, E, R>(
  schema: Option.Option<Schema.Schema<A, unknown>>,
  where: "path" | "query" | "body",
  input: Effect.Effect<unknown, E, R>
): Effect.Effect<A, E | Refused, R> => {
  if (Option.isNone(schema)) return Effect.dieMessage(`the endpoint defines no ${where}`)
  const decode = Schema.decodeUnknown(schema.value)
  const names = SchemaAST.getPropertySignatures(SchemaAST.encodedAST(schema.value.ast)).map(({ name }) => String(name))
  return Effect.flatMap(input, (value) =>
    Effect.mapError(decode(where === "body" ? withKnownNames(value, names) : value), (error) => refusalOf(where, error))
  )
}

const refusalOf = (where: "path" | "query" | "body", error: ParseResult.ParseError): Refused => {
  const [issue] = ParseResult.ArrayFormatter.formatErrorSync(error)
  const field = issue === undefined || issue.path.length === 0 ? `the ${where}` : issue.path.join(".")
  const details = `${field} ${issue === undefined ? "can't be read" : predicate(issue.message)}`
  return where === "body" ? new Refused({ code: 400, error: invalidBody, details }) : badRequest(details)
}

/** Our own messages follow the field's name; Schema's own are sentences. */
const predicate = (message: string): string => {
  const [, expected] = /^Expected (.*?), actual /s.exec(message) ?? []
  return expected === undefined ? message : `must be ${expected}`
}

/** What the client can mend is in its answer; the rest is for an operator. */
const reportFailure = (endpoint: string, failed: Failed): Effect.Effect<void> => {
  switch (failed._tag) {
    case "Unavailable":
    case "Conflict":
    case "Denied":
    case "Invalid":
    case "NotFound":
      return Effect.annotateLogs(Effect.logWarning("request failed"), { endpoint, why: failed.message })
    default:
      return Effect.void
  }
}
