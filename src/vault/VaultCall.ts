import type { FileSystem } from "@effect/platform"
import { type Duration, Effect, Either, Redacted, Schema } from "effect"
import { type ApiError, Conflict, Denied, Invalid, NotFound, Unavailable } from "../http/ApiError.ts"
import type { Endpoint, HttpRequest, HttpResponse } from "../http/Transport.ts"
import type { VaultToken } from "./VaultConfig.ts"

export interface VaultRequest extends Pick<HttpRequest, "method" | "path" | "query"> {
  /** For messages, e.g. `read secret/data/git`. Never a value or a token. */
  readonly operation: string
  /** Sent without a token. */
  readonly anonymous?: boolean
}

/** One request with the token of the moment. Failures are told apart by what the caller can do, and hold no secret. */
export type VaultCall = (request: VaultRequest) => Effect.Effect<HttpResponse, ApiError>

const timeout: Duration.DurationInput = "5 seconds"

export const makeVaultCall =
  (endpoint: Endpoint, token: VaultToken, files: FileSystem.FileSystem): VaultCall =>
  (request) =>
    (request.anonymous === true ? Effect.succeed("") : readToken(request, token, files)).pipe(
      Effect.flatMap((secret) =>
        endpoint.request({
          method: request.method,
          path: request.path,
          timeout,
          ...(secret === "" ? {} : { headers: { "x-vault-token": secret } }),
          ...(request.query === undefined ? {} : { query: request.query })
        })
      ),
      Effect.catchTag("TransportError", ({ detail }) => new Unavailable({ ...about(request), detail })),
      Effect.filterOrElse(
        ({ status }) => status >= 200 && status < 300,
        (response) => Effect.fail(refusal(request, response))
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

const readToken = (
  request: VaultRequest,
  token: VaultToken,
  files: FileSystem.FileSystem
): Effect.Effect<string, Denied> => {
  switch (token._tag) {
    case "Given":
      return Effect.succeed(Redacted.value(token.token))
    case "InFile":
      return Effect.filterOrFail(
        files.readFileString(token.path).pipe(
          Effect.map((content) => content.trim()),
          Effect.orElseSucceed(() => "")
        ),
        (content) => headerSafe.test(content),
        () => new Denied({ ...about(request), detail: `the file ${token.path} doesn't hold a token alone` })
      )
    case "None":
      return new Denied({
        ...about(request),
        detail: "there is no token; set VAULT_TOKEN or VAULT_TOKEN_FILE, or give the Nomad task a vault block"
      })
  }
}

const headerSafe = /^[\x21-\x7e]+$/

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
