import type { FileSystem } from "@effect/platform"
import { Clock, Effect, Redacted, Ref, Schema, type Scope } from "effect"
import type { ApiError } from "../http/ApiError.ts"
import { again, keepTokenAlive, look, type TokenLife } from "./keepTokenAlive.ts"
import { readTokenFile } from "./readTokenFile.ts"
import { decodeAnswer, type TokenSource, type VaultRequest, type VaultSend } from "./VaultCall.ts"
import type { VaultToken } from "./VaultConfig.ts"

export type AppRole = Extract<VaultToken, { _tag: "AppRole" }>

/**
 * Tokens that the service gets for itself with a role's id and a secret id: renewed as long as that goes, then got anew,
 * also when somebody revoked the one it had. The last one is given back with the scope.
 */
export const appRoleTokens = Effect.fnUntraced(function* (
  role: AppRole,
  send: VaultSend,
  files: FileSystem.FileSystem
): Effect.fn.Return<TokenSource, never, Scope.Scope> {
  const held = yield* Ref.make<Held | undefined>(undefined)
  const oneAtATime = yield* Effect.makeSemaphore(1)

  const logIn = Effect.gen(function* () {
    const secretId = yield* role.secretId._tag === "Given"
      ? Effect.succeed(Redacted.value(role.secretId.secretId))
      : readTokenFile(login(role, ""), role.secretId.path, files)
    const request = login(role, secretId)
    const { auth } = yield* Effect.flatMap(send(request, ""), (response) => decode(request, response))
    const got: Held = {
      token: auth.client_token,
      life: { seconds: auth.lease_duration, renewable: auth.renewable },
      at: yield* Clock.currentTimeMillis
    }
    yield* Ref.set(held, got)
    return got
  })

  /** The one that is held, unless it is the one that is of no use any more. */
  const another = (useless: string | undefined): Effect.Effect<Held, ApiError> =>
    Effect.flatMap(Ref.get(held), (has) =>
      has === undefined || has.token === useless ? logIn : Effect.succeed(has)
    ).pipe(oneAtATime.withPermits(1))

  const replaces = Effect.fnUntraced(function* (refused: string) {
    const has = yield* Ref.get(held)
    if (has !== undefined && has.token !== refused) return true
    // A fresh one that is refused has no right to what was asked for, and neither has the next.
    if (has !== undefined && (yield* Clock.currentTimeMillis) - has.at < freshFor(has.life)) return false
    const dead = yield* Effect.match(send(look, refused), {
      onFailure: ({ _tag }) => _tag === "Denied" || _tag === "NotFound",
      onSuccess: () => false
    })
    return dead && (yield* Effect.isSuccess(another(refused)))
  })

  const keep = Effect.gen(function* () {
    let useless: string | undefined
    for (;;) {
      const { at, life, token } = yield* another(useless).pipe(
        Effect.tapError(({ message }) => Effect.logWarning("Vault doesn't take the service's AppRole", message)),
        Effect.retry(again),
        // The schedule has no end.
        Effect.orDie
      )
      const age = ((yield* Clock.currentTimeMillis) - at) / 1000
      const seconds = life.seconds === 0 ? 0 : Math.max(1, life.seconds - age)
      const end = yield* keepTokenAlive((request) => send(request, token), { ...life, seconds })
      yield* Effect.logInfo("getting a new token from Vault").pipe(Effect.annotateLogs({ reason: end._tag }))
      useless = token
    }
  })

  yield* Effect.addFinalizer(() =>
    Effect.flatMap(Ref.get(held), (has) =>
      has === undefined ? Effect.void : Effect.ignore(Effect.timeout(send(revoke, has.token), "2 seconds"))
    )
  )
  yield* Effect.forkScoped(keep)
  return { current: () => Effect.map(another(undefined), ({ token }) => token), replaces }
})

interface Held {
  readonly token: string
  readonly life: TokenLife
  readonly at: number
}

/** Milliseconds. */
const freshFor = ({ seconds }: TokenLife): number => (seconds === 0 ? 5000 : Math.min(5000, seconds * 500))

const login = ({ mount, roleId }: AppRole, secretId: string): VaultRequest => ({
  operation: `login by AppRole at auth/${mount}`,
  method: "POST",
  path: `/v1/auth/${mount}/login`,
  body: encodeLogin({ role_id: roleId, ...(secretId === "" ? {} : { secret_id: secretId }) })
})

const revoke: VaultRequest = { operation: "token revocation", method: "PUT", path: "/v1/auth/token/revoke-self" }

const encodeLogin = Schema.encodeSync(
  Schema.parseJson(Schema.Struct({ role_id: Schema.String, secret_id: Schema.optional(Schema.String) }))
)

const Login = Schema.Struct({
  auth: Schema.Struct({
    client_token: Schema.NonEmptyString,
    lease_duration: Schema.Number,
    renewable: Schema.Boolean
  })
})
const decode = decodeAnswer(Login)
