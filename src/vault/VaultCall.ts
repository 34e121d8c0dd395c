import { type Duration, Effect, Either, Schema } from "effect"
import { type ApiError, Conflict, Denied, Invalid, NotFound, Unavailable } from "../http/ApiError.ts"
import type { Endpoint, HttpRequest, HttpResponse } from "../http/Transport.ts"

export interface VaultRequest extends Pick<HttpRequest, "method" | "path" | "query" | "body"> {
  /** For messages, e.g. `read secret/data/git`. Never a value or a token. */
  readonly operation: string
}

/** One request. Failures are told apart by what the caller can do, and hold no secret. */
export type VaultCall = (request: VaultRequest) => Effect.Effect<HttpResponse, ApiError>

/** The same as whom the token says; empty: as nobody. */
export type VaultSend = (request: VaultRequest, token: string) => Effect.Effect<HttpResponse, ApiError>

/** As whom the service asks. */
export interface TokenSource {
  /** What to ask this with. */
  readonly current: (request: VaultRequest) => Effect.Effect<string, ApiError>
  /** Whether there is another token in the place of this one, which Vault has refused. */
  readonly replaces: (refused: string) => Effect.Effect<boolean>
}

const timeout: Duration.DurationInput = "5 seconds"

export const makeVaultSend =
  (endpoint: Endpoint): VaultSend =>
  (request, token) =>
    endpoint
      .request({
        method: request.method,
        path: request.path,
        timeout,
        ...(token === "" ? {} : { headers: { "x-vault-token": token } }),
        ...(request.query === undefined ? {} : { query: request.query }),
        ...(request.body === undefined ? {} : { body: request.body })
      })
      .pipe(
        Effect.catchTag("TransportError", ({ detail }) => new Unavailable({ ...about(request), detail })),
        Effect.filterOrElse(
          ({ status }) => status >= 200 && status < 300,
          (response) => Effect.fail(refusal(request, response))
        )
      )

/** With the token of the moment; once more where that one was refused and there is another by now. */
export const makeVaultCall =
  (send: VaultSend, tokens: TokenSource): VaultCall =>
  (request) =>
    Effect.flatMap(tokens.current(request), (token) =>
      Effect.catchTag(send(request, token), "Denied", (denied) =>
        Effect.flatMap(tokens.replaces(token), (replaced) =>
          replaced ? Effect.flatMap(tokens.current(request), (another) => send(request, another)) : Effect.fail(denied)
        )
      )
    )

/** Decodes a JSON body. What doesn't fit isn't repeated: it is somebody's secret. */
export const decodeAnswer = <A, I>(schema: Schema.Schema<A, I>) => {
  const decode = Schema.decodeUnknownEither(Schema.parseJson(schema))
  return (request: VaultRequest, response: HttpResponse): Either.Either<A, Invalid> =>
    Either.mapLeft(
      decode(new TextDecoder().decode(response.body)),
      () => new Invalid({ ...about(request), detail: "the answer isn't Vault's" })
    )
}

export const about = ({ operation }: Pick<VaultRequest, "operation">) => ({ system: "vault", operation }) as const

const Errors = Schema.parseJson(Schema.Struct({ errors: Schema.Array(Schema.String) }))
const decodeErrors = Schema.decodeUnknownEither(Errors)

const mostDetail = 300

const refusal = (request: VaultRequest, { body, status }: HttpResponse): ApiError => {
  // Only Vault's own words: a proxy's error page may repeat the request, and an answer may hold a secret.
  const errors = Either.match(decodeErrors(new TextDecoder().decode(body)), {
    onLeft: () => [],
    onRight: (answer) => answer.errors
  })
  const words = errors.join("; ").replaceAll(/\s+/g, " ").slice(0, mostDetail)
  return new (kindOf(status))({ ...about(request), detail: words === "" ? hintOf(status) : words })
}

const hintOf = (status: number): string =>
  status >= 300 && status < 400
    ? "it points to another server, which doesn't get the token; set VAULT_ADDR to the active server or a load balancer"
    : `status ${status}`

const kindOf = (status: number) => {
  if (status === 404) return NotFound
  if (status === 401 || status === 403) return Denied
  if (status === 409 || status === 412) return Conflict
  // 429 and 47x are standbys, 501 isn't initialised, 503 is sealed; a redirect is a standby that doesn't forward.
  return status === 400 || status === 405 ? Invalid : Unavailable
}
