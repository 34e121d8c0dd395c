import { Effect, Either, Option, Schema } from "effect"
import type { ApiError } from "../http/ApiError.ts"
import { escapedPath, type KvMount, type KvMounts } from "./kvMounts.ts"
import type { SecretPresence } from "./Vault.ts"
import { decodeAnswer, type VaultCall, type VaultRequest } from "./VaultCall.ts"

/** Looks at a secret's metadata: whether there is a version of it to read. Its values are never asked for. */
export const makeKvPreflight =
  (call: VaultCall, mounts: KvMounts, defaultMount: string) =>
  (path: string): Effect.Effect<SecretPresence, ApiError> =>
    Effect.gen(function* () {
      const mount = yield* mounts.of(path)
      if (Option.isSome(mount) && mount.value.version === 1) return "unversioned"
      const places = Option.match(mount, {
        onNone: () => guesses(path, defaultMount),
        onSome: (found) => [within(path, found)]
      })
      const seen = yield* Effect.forEach(places, (place) => presenceAt(call, place))
      // A place that may not be looked at may have it.
      return (
        seen.find((one) => one === "present" || one === "deleted") ?? (seen.every(isMissing) ? "missing" : "unknown")
      )
    }).pipe(Effect.withSpan("Vault.presence"))

const isMissing = (presence: SecretPresence): boolean => presence === "missing"

const presenceAt = Effect.fnUntraced(function* (
  call: VaultCall,
  path: string
): Effect.fn.Return<SecretPresence, ApiError> {
  const request: VaultRequest = { operation: `metadata of ${path}`, method: "GET", path: `/v1/${escapedPath(path)}` }
  const answer = yield* Effect.either(call(request))
  if (Either.isLeft(answer)) {
    if (answer.left._tag === "NotFound") return "missing"
    return answer.left._tag === "Denied" ? "unknown" : yield* answer.left
  }
  const { data } = yield* decode(request, answer.right)
  const newest = data.versions?.[String(data.current_version)]
  // Metadata may be written before the first version is.
  if (newest === undefined) return "missing"
  return newest.destroyed || newest.deletion_time !== "" ? "deleted" : "present"
})

/** `secret/data/x` or `secret/x` in the mount `secret/`. */
const within = (path: string, { path: mount }: KvMount): string => {
  const rest = path.slice(mount.length)
  return `${mount}metadata/${rest.startsWith("data/") ? rest.slice("data/".length) : rest}`
}

const guesses = (path: string, defaultMount: string): ReadonlyArray<string> => {
  const [mount = "", ...rest] = path.split("/")
  const own = rest.length === 0 ? [] : [within(path, { path: `${mount}/`, version: 2 })]
  return mount === defaultMount || rest[0] === "data" ? own : [...own, `${defaultMount}/metadata/${path}`]
}

const decode = decodeAnswer(
  Schema.Struct({
    data: Schema.Struct({
      current_version: Schema.Number,
      versions: Schema.optional(
        Schema.NullOr(
          Schema.Record({
            key: Schema.String,
            value: Schema.Struct({ deletion_time: Schema.String, destroyed: Schema.Boolean })
          })
        )
      )
    })
  })
)
