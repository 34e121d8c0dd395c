import { Data, Duration, Effect, Random, Redacted, Schedule, Schema, type Scope } from "effect"
import type { ApiError } from "../http/ApiError.ts"
import { decodeAnswer, type TokenSource, type VaultCall, type VaultRequest, type VaultSend } from "./VaultCall.ts"

/** What is left of a token's life. */
export interface TokenLife {
  /** 0: it has no end. */
  readonly seconds: number
  readonly renewable: boolean
}

/** Why a token can't be kept any longer. */
export type TokenEnd = Data.TaggedEnum<{
  /** It dies after so many seconds: it can't be renewed, or not beyond the longest life that Vault gives it. */
  Spent: { readonly seconds: number }
  /** It expired, was revoked, or its policies don't let it renew itself. */
  Refused: { readonly message: string }
}>
export const TokenEnd = Data.taggedEnum<TokenEnd>()

/**
 * Renews a token at two thirds of its life, until it can't be. A Vault that is away is asked again: that is no reason to
 * let the token die. Never ends for a token that lives for ever.
 */
export const keepTokenAlive = Effect.fn("Vault.keepTokenAlive")(function* (
  call: VaultCall,
  first: TokenLife
): Effect.fn.Return<TokenEnd> {
  let life = first
  let longest = first.seconds
  while (life.seconds > 0) {
    const part = yield* Random.nextRange(0.6, 0.7)
    const pause = Math.max(life.seconds * part, shortestPause)
    yield* Effect.sleep(Duration.seconds(pause))
    if (!life.renewable) return TokenEnd.Spent({ seconds: Math.round(Math.max(0, life.seconds - pause)) })
    const renewed = yield* Effect.either(tokenLife(call, renew))
    if (renewed._tag === "Left") return TokenEnd.Refused({ message: renewed.left.message })
    life = renewed.right
    longest = Math.max(longest, life.seconds)
    // Vault gives less and less where its longest life nears.
    if (life.seconds < longest / 2) return TokenEnd.Spent({ seconds: life.seconds })
  }
  return yield* Effect.never
})

/** The token that the service was given, and no other: when its end nears, an operator must give a new one. */
export const keepGivenToken = Effect.fnUntraced(function* (
  token: Redacted.Redacted,
  send: VaultSend
): Effect.fn.Return<TokenSource, never, Scope.Scope> {
  const secret = Redacted.value(token)
  const call: VaultCall = (request) => send(request, secret)
  yield* tokenLife(call, look).pipe(
    Effect.matchEffect({
      onFailure: ({ message }) => Effect.succeed(TokenEnd.Refused({ message })),
      onSuccess: (life) => keepTokenAlive(call, life)
    }),
    Effect.flatMap(
      TokenEnd.$match({
        Refused: ({ message }) => Effect.logError("Vault's token is not renewed; give the service a new one", message),
        Spent: ({ seconds }) =>
          Effect.annotateLogs(
            Effect.logWarning("Vault's token can't be renewed any more; give the service a new one before it ends"),
            { seconds }
          )
      })
    ),
    Effect.forkScoped
  )
  return { current: () => Effect.succeed(secret), replaces: () => Effect.succeed(false) }
})

/** What a login, a lookup or a renewal says; asked again for as long as Vault is away. */
export const tokenLife = (call: VaultCall, request: VaultRequest): Effect.Effect<TokenLife, ApiError> =>
  call(request).pipe(
    Effect.flatMap((response) => decode(request, response)),
    Effect.map(({ auth, data }): TokenLife => ({
      seconds: auth?.lease_duration ?? data?.ttl ?? 0,
      renewable: auth?.renewable ?? data?.renewable ?? false
    })),
    Effect.tapError((error) => Effect.logWarning("Vault's token is not renewed", error.message)),
    Effect.retry({ schedule: again, while: ({ _tag }) => _tag === "Unavailable" })
  )

/** How a token says how long it lives. */
export const look: VaultRequest = { operation: "token lookup", method: "GET", path: "/v1/auth/token/lookup-self" }

const renew: VaultRequest = { operation: "token renewal", method: "PUT", path: "/v1/auth/token/renew-self" }

/** Seconds; also what a token with a shorter life is renewed at. */
const shortestPause = 1

/** Often enough that an outage of a minute costs no token that lives longer. */
export const again = Schedule.exponential("1 second").pipe(
  Schedule.union(Schedule.spaced("30 seconds")),
  Schedule.jittered
)

/** A lookup tells in `data` what a renewal tells in `auth`. */
const Answer = Schema.Struct({
  data: Schema.optional(
    Schema.NullOr(Schema.Struct({ ttl: Schema.optional(Schema.Number), renewable: Schema.optional(Schema.Boolean) }))
  ),
  auth: Schema.optional(Schema.NullOr(Schema.Struct({ lease_duration: Schema.Number, renewable: Schema.Boolean })))
})
const decode = decodeAnswer(Answer)
