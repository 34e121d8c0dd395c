import { Duration, Effect, Random, Schedule, Schema } from "effect"
import { decodeAnswer, type VaultCall, type VaultRequest } from "./VaultCall.ts"

/**
 * Renews the service's token at two thirds of its life, for as long as it can be renewed. After a failure it tries again:
 * a Vault that was away is no reason to let the token die.
 */
export const keepTokenAlive = (call: VaultCall): Effect.Effect<void> =>
  Effect.gen(function* () {
    let life = yield* lifeOf(call, look)
    const renewable = life.renewable
    while (life.renewable && life.seconds > 0) {
      const part = yield* Random.nextRange(0.6, 0.7)
      yield* Effect.sleep(Duration.seconds(Math.max(life.seconds * part, shortestPause)))
      life = yield* lifeOf(call, renew)
    }
    if (renewable) yield* Effect.logWarning("Vault's token can't be renewed any more; give the service a new one")
  }).pipe(Effect.withSpan("Vault.keepTokenAlive"))

interface Life {
  readonly seconds: number
  readonly renewable: boolean
}

/** Seconds; also what a token with a shorter life is renewed at. */
const shortestPause = 1

const again = Schedule.exponential("1 second").pipe(Schedule.union(Schedule.spaced("1 minute")), Schedule.jittered)

const look: VaultRequest = { operation: "token lookup", method: "GET", path: "/v1/auth/token/lookup-self" }
const renew: VaultRequest = { operation: "token renewal", method: "PUT", path: "/v1/auth/token/renew-self" }

/** A lookup tells in `data` what a renewal tells in `auth`. */
const Answer = Schema.Struct({
  data: Schema.optional(
    Schema.NullOr(Schema.Struct({ ttl: Schema.optional(Schema.Number), renewable: Schema.optional(Schema.Boolean) }))
  ),
  auth: Schema.optional(Schema.NullOr(Schema.Struct({ lease_duration: Schema.Number, renewable: Schema.Boolean })))
})
const decode = decodeAnswer(Answer)

const lifeOf = (call: VaultCall, request: VaultRequest): Effect.Effect<Life> =>
  call(request).pipe(
    Effect.flatMap((response) => decode(request, response)),
    Effect.map(({ auth, data }): Life => ({
      seconds: auth?.lease_duration ?? data?.ttl ?? 0,
      renewable: auth?.renewable ?? data?.renewable ?? false
    })),
    Effect.tapError((error) => Effect.logWarning("Vault's token is not renewed", error.message)),
    Effect.retry(again),
    // The schedule has no end.
    Effect.orDie
  )
