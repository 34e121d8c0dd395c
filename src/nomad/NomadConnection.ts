import { type Duration, Effect, Option, type Scope, Stream } from "effect"
import { type ApiError, Unavailable } from "../http/ApiError.ts"
import {
  type BodySink,
  type HttpRequest,
  type HttpResponse,
  makeEndpoint,
  type StreamResponse,
  type TransportError
} from "../http/Transport.ts"
import { measureRequest } from "../metrics/measureRequest.ts"
import { apiErrorOf } from "./apiErrorOf.ts"
import type { AnswerDecoder } from "./decodeAnswer.ts"
import { joinBytes } from "./joinBytes.ts"
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
  readonly askFor: <A>(decode: AnswerDecoder<A>, question: Question) => Effect.Effect<A, ApiError>
  /** The answer's pieces, until `take` has enough. The question's deadline is the whole answer's. */
  readonly consume: (
    question: Question,
    silence: Duration.DurationInput,
    take: (piece: Uint8Array) => "more" | "enough"
  ) => Effect.Effect<void, ApiError>
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
    askFor: (decode, question) => Effect.flatMap(ask(question), ({ body }) => decode(question.operation, body)),
    consume: (question, silence, take) =>
      Effect.suspend(() => {
        const refusal = { status: 0, pieces: Array.of<Uint8Array>() }
        const sink: BodySink = (status) => {
          if (isSuccess({ status })) return take
          refusal.status = status
          return (piece) => (refusal.pieces.push(piece) < mostOfARefusal ? "more" : "enough")
        }
        return endpoint.consume(requestOf(question), silence, sink).pipe(
          // The status is answer enough if the text does not arrive.
          Effect.catchIf(
            () => refusal.status !== 0,
            () => Effect.void
          ),
          Effect.mapError(unavailable(question.operation)),
          Effect.flatMap(() =>
            refusal.status === 0
              ? Effect.void
              : Effect.fail(
                  apiErrorOf(question.operation, refusal.status, new TextDecoder().decode(joinBytes(refusal.pieces)))
                )
          )
        )
      }).pipe(measureRequest("nomad", question.operation)),
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

/** Pieces, of 64 KiB at most. */
const mostOfARefusal = 4

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
