import { Effect, Either, Option, Schema } from "effect"
import { type ApiError, Denied, NotFound } from "../http/ApiError.ts"
import { escapedPath, type KvMount, type KvMounts } from "./kvMounts.ts"
import { about, decodeAnswer, type VaultCall, type VaultRequest } from "./VaultCall.ts"

export type ReadSecret = (path: string) => Effect.Effect<Readonly<Record<string, string>>, ApiError>

/**
 * Reads secrets of KV engines by paths in any of the usual styles: `secret/data/x` as the API of version 2 calls it,
 * `secret/x` as `vault kv` shows it, `nomad/jobs/x` without the mount.
 *
 * Where Vault doesn't say which engine a path belongs to, the styles are tried one after the other.
 */
export const makeKvReader = (call: VaultCall, mounts: KvMounts, defaultMount: string): ReadSecret => {
  const readAt = Effect.fnUntraced(function* (path: string) {
    const request: VaultRequest = { operation: `read ${path}`, method: "GET", path: `/v1/${escapedPath(path)}` }
    const response = yield* call(request)
    return yield* fieldsOf(request, yield* decodeSecret(request, response))
  })

  return Effect.fn("Vault.read")(function* (path: string) {
    const mount = yield* mounts.of(path)
    const places = Option.match(mount, {
      onNone: () => guesses(path, defaultMount),
      onSome: (found) => [within(path, found)]
    })
    return yield* Effect.tapError(firstReadable(path, places, readAt), () =>
      Effect.sync(() => Option.map(mount, mounts.forget))
    )
  })
}

const firstReadable = Effect.fnUntraced(function* (
  path: string,
  places: ReadonlyArray<string>,
  readAt: ReadSecret
): Effect.fn.Return<Readonly<Record<string, string>>, ApiError> {
  const failures: Array<NotFound | Denied> = []
  for (const place of places) {
    const read = yield* Effect.either(readAt(place))
    if (Either.isRight(read)) return read.right
    if (read.left._tag !== "NotFound" && read.left._tag !== "Denied") return yield* read.left
    failures.push(read.left)
  }
  // A place that may not be looked at may not exist either: where one is known to be empty, that is the answer.
  const failure = failures.find(({ _tag }) => _tag === "NotFound") ?? failures[0]
  const kind = failure?._tag === "Denied" ? Denied : NotFound
  return yield* new kind({ ...about({ operation: `read ${path}` }), detail: failure?.detail ?? "" })
})

/** The API's path of a secret in a mount of this version. */
const within = (path: string, { path: mount, version }: KvMount): string =>
  version === 1 || path.startsWith(`${mount}data/`) ? path : `${mount}data/${path.slice(mount.length)}`

const guesses = (path: string, defaultMount: string): ReadonlyArray<string> => {
  const [mount = "", ...rest] = path.split("/")
  if (rest[0] === "data") return [path]
  const inDefault = mount === defaultMount ? [] : [`${defaultMount}/data/${path}`]
  return [...(rest.length === 0 ? [] : [`${mount}/data/${rest.join("/")}`]), ...inDefault, path]
}

const Fields = Schema.Record({ key: Schema.String, value: Schema.Unknown })
const decodeSecret = decodeAnswer(Schema.Struct({ data: Schema.NullOr(Fields) }))
const isFields = Schema.is(Fields)

/** Version 2 has the fields one level deeper, beside what it knows about the version that it gives. */
const fieldsOf = (
  request: VaultRequest,
  { data }: { readonly data: typeof Fields.Type | null }
): Either.Either<Readonly<Record<string, string>>, NotFound> => {
  const inner = data !== null && isFields(data["metadata"]) && "data" in data ? data["data"] : data
  return isFields(inner)
    ? Either.right(Object.fromEntries(Object.entries(inner).map(([name, value]) => [name, textOf(value)])))
    : Either.left(new NotFound({ ...about(request), detail: "its newest version is deleted" }))
}

/** As a template writes it into a file. */
const textOf = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value))
