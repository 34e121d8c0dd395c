import { type Duration, Effect, Option, type Schema, type Scope, Stream } from "effect"
import { type ApiError, Unavailable } from "../http/ApiError.ts"
import {
  type HttpRequest,
  type HttpResponse,
  makeEndpoint,
  type StreamResponse,
  type TransportError
} from "../http/Transport.ts"
import { measureRequest } from "../metrics/measureRequest.ts"
import { apiErrorOf } from "./apiErrorOf.ts"
import { decodeAnswer } from "./decodeAnswer.ts"
import { credentials, type NomadConfig } from "./NomadConfig.ts"

/** One question to Nomad. */
export interface Question {
  /** Names it in errors and logs. */
  readonly operation: string
  readonly method?: HttpRequest["method"]
  /** Starts with `/v1/`; already percent-encoded. */
  readonly path: string
  /** Encoded here; the same name may come several times. */
  readonly parameters?: ReadonlyArray<readonly [name: string, value: string | number]>
  /** JSON. */
  readonly body?: string
  readonly timeout?: Duration.DurationInput
}

/** Questions to Nomad in the configured namespace and region, with Nomad's refusals as typed errors. */
export interface NomadConnection {
  readonly ask: (question: Question) => Effect.Effect<HttpResponse, ApiError>
  readonly askFor: <A, I>(schema: Schema.Schema<A, I>, question: Question) => Effect.Effect<A, ApiError>
  /** The answer as it arrives; `silence` bounds the gap between its bytes. */
  readonly open: (
    question: Question,
    silence: Duration.DurationInput
  ) => Effect.Effect<StreamResponse, ApiError, Scope.Scope>
}

/** Opens a connection pool; closed with the scope. */
export const makeConnection = Effect.fnUntraced(function* (config: NomadConfig) {
  const endpoint = yield* makeEndpoint({ ...config, headers: credentials(config) })
  const requestOf = makeRequest(config)

  const ask = (question: Question) =>
    endpoint.request(requestOf(question)).pipe(
      Effect.mapError(unavailable(question.operation)),
      Effect.filterOrFail(isSuccess, (response) =>
        apiErrorOf(question.operation, response.status, new TextDecoder().decode(response.body))
      ),
      measureRequest("nomad", question.operation)
    )

  const connection: NomadConnection = {
    ask,
    askFor: (schema, question) =>
      Effect.flatMap(ask(question), ({ body }) => decodeAnswer(schema, question.operation)(body)),
    open: (question, silence) =>
      endpoint.stream(requestOf(question), silence).pipe(
        Effect.mapError(unavailable(question.operation)),
        Effect.flatMap((response) =>
          isSuccess(response)
            ? Effect.succeed(response)
            : Effect.flatMap(refusalOf(response), (text) =>
                Effect.fail(apiErrorOf(question.operation, response.status, text))
              )
        ),
        measureRequest("nomad", question.operation)
      )
  }
  return connection
})

/** No answer, or half of one. */
export const unavailable =
  (operation: string) =>
  (error: TransportError): Unavailable =>
    new Unavailable({ system: "nomad", operation, detail: error.detail })

// Without a leader Nomad takes 5 s to say so.
const deadline = "15 seconds"

const makeRequest =
  (config: NomadConfig) =>
  (question: Question): HttpRequest => {
    const parameters = [
      ...(question.parameters ?? []),
      ["namespace", config.namespace] as const,
      ...Option.match(config.region, { onNone: () => [], onSome: (region) => [["region", region] as const] })
    ]
    const query = parameters.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join("&")
    return {
      method: question.method ?? "GET",
      path: `${question.path}?${query}`,
      timeout: question.timeout ?? deadline,
      ...(question.body === undefined ? {} : { body: question.body, headers: { "content-type": "application/json" } })
    }
  }

const isSuccess = ({ status }: { readonly status: number }): boolean => status >= 200 && status < 300

// The status is answer enough if the text does not arrive.
const refusalOf = (response: StreamResponse): Effect.Effect<string> =>
  response.body.pipe(
    Stream.decodeText(),
    Stream.mkString,
    Effect.orElseSucceed(() => "")
  )
