import { Effect, Either, Option, Schema } from "effect"
import { type ApiError, Denied, Invalid, NotFound } from "../http/ApiError.ts"
import { about, decodeAnswer, type VaultCall, type VaultRequest } from "./VaultCall.ts"

export type ReadSecret = (path: string) => Effect.Effect<Readonly<Record<string, string>>, ApiError>

/**
 * Reads secrets of KV engines by paths in any of the usual styles: `secret/data/x` as the API of version 2 calls it,
 * `secret/x` as `vault kv` shows it, `nomad/jobs/x` without the mount.
 *
 * Which engine a path belongs to is asked of Vault, as its own program does. Where that isn't allowed, or there is no such
 * mount, the styles are tried one after the other.
 */
export const makeKvReader = (call: VaultCall, defaultMount: string): ReadSecret => {
  /** By the mount's path, which ends with `/`. */
  const versions = new Map<string, 1 | 2>()

  const mountOf = Effect.fnUntraced(function* (path: string) {
    const known = [...versions.keys()].find((mount) => path.startsWith(mount))
    if (known !== undefined) return known
    const request: VaultRequest = {
      operation: `mount of ${path}`,
      method: "GET",
      path: `/v1/sys/internal/ui/mounts/${escaped(path)}`
    }
    const response = yield* call(request)
    const { data } = yield* decodeMount(request, response)
    const mount = data.path.endsWith("/") ? data.path : `${data.path}/`
    versions.set(mount, data.options?.version === "2" ? 2 : 1)
    return mount
  })

  const readAt = Effect.fnUntraced(function* (path: string) {
    const request: VaultRequest = { operation: `read ${path}`, method: "GET", path: `/v1/${escaped(path)}` }
    const response = yield* call(request)
    return yield* fieldsOf(request, yield* decodeSecret(request, response))
  })

  return Effect.fn("Vault.read")(function* (path: string) {
    if (!isClean(path))
      return yield* new Invalid({ ...about({ operation: "read" }), detail: "it is no path of a secret" })
    const mount = yield* Effect.asSome(mountOf(path)).pipe(
      Effect.catchTags({ Denied: () => Effect.succeedNone, NotFound: () => Effect.succeedNone })
    )
    const places = Option.match(mount, {
      onNone: () => guesses(path, defaultMount),
      onSome: (found) => [within(path, found, versions.get(found) ?? 1)]
    })
    return yield* Effect.tapError(firstReadable(path, places, readAt), () =>
      // Its engine may have been upgraded or replaced.
      Effect.sync(() => Option.map(mount, (found) => versions.delete(found)))
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
const within = (path: string, mount: string, version: 1 | 2): string =>
  version === 1 || path.startsWith(`${mount}data/`) ? path : `${mount}data/${path.slice(mount.length)}`

const guesses = (path: string, defaultMount: string): ReadonlyArray<string> => {
  const [mount = "", ...rest] = path.split("/")
  if (rest[0] === "data") return [path]
  const inDefault = mount === defaultMount ? [] : [`${defaultMount}/data/${path}`]
  return [...(rest.length === 0 ? [] : [`${mount}/data/${rest.join("/")}`]), ...inDefault, path]
}

/** Nothing that would ask for another path than it seems to. */
const isClean = (path: string): boolean =>
  path.split("/").every((name) => name !== "" && name !== "." && name !== ".." && !/[\p{Cc}\ud800-\udfff]/u.test(name))

const escaped = (path: string): string => path.split("/").map(encodeURIComponent).join("/")

const Mount = Schema.Struct({
  data: Schema.Struct({
    path: Schema.String,
    options: Schema.optional(Schema.NullOr(Schema.Struct({ version: Schema.optional(Schema.String) })))
  })
})
const decodeMount = decodeAnswer(Mount)

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
