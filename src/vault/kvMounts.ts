import { Effect, type Option, Schema } from "effect"
import { type ApiError, Invalid } from "../http/ApiError.ts"
import { about, decodeAnswer, type VaultCall, type VaultRequest } from "./VaultCall.ts"

export interface KvMount {
  /** Ends with `/`. */
  readonly path: string
  readonly version: 1 | 2
}

/** Which engine a secret's path belongs to. */
export interface KvMounts {
  /** None where Vault may not be asked that, or has no such mount. `Invalid` for what is no path. */
  readonly of: (path: string) => Effect.Effect<Option.Option<KvMount>, ApiError>
  /** To be asked anew: the engine may have been upgraded or replaced. */
  readonly forget: (mount: KvMount) => void
}

/** Asked of Vault as its own program does, and remembered. */
export const makeKvMounts = (call: VaultCall): KvMounts => {
  const known = new Map<string, KvMount>()

  const ask = Effect.fnUntraced(function* (path: string) {
    const found = [...known.values()].find((mount) => path.startsWith(mount.path))
    if (found !== undefined) return found
    const request: VaultRequest = {
      operation: `mount of ${path}`,
      method: "GET",
      path: `/v1/sys/internal/ui/mounts/${escapedPath(path)}`
    }
    const { data } = yield* decodeMount(request, yield* call(request))
    const mount: KvMount = {
      path: data.path.endsWith("/") ? data.path : `${data.path}/`,
      version: data.options?.version === "2" ? 2 : 1
    }
    known.set(mount.path, mount)
    return mount
  })

  return {
    of: Effect.fnUntraced(function* (path) {
      if (!isClean(path)) {
        return yield* new Invalid({ ...about({ operation: "read" }), detail: "it is no path of a secret" })
      }
      return yield* Effect.asSome(ask(path)).pipe(
        Effect.catchTags({ Denied: () => Effect.succeedNone, NotFound: () => Effect.succeedNone })
      )
    }),
    forget: ({ path }) => void known.delete(path)
  }
}

export const escapedPath = (path: string): string => path.split("/").map(encodeURIComponent).join("/")

/** Nothing that would ask for another path than it seems to. */
const isClean = (path: string): boolean =>
  path.split("/").every((name) => name !== "" && name !== "." && name !== ".." && !/[\p{Cc}\ud800-\udfff]/u.test(name))

const Mount = Schema.Struct({
  data: Schema.Struct({
    path: Schema.String,
    options: Schema.optional(Schema.NullOr(Schema.Struct({ version: Schema.optional(Schema.String) })))
  })
})
const decodeMount = decodeAnswer(Mount)
