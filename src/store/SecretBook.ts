import { Cache, Clock, Duration, Effect, Either, Option } from "effect"
import type { ApiError } from "../http/ApiError.ts"
import { Unavailable } from "../http/ApiError.ts"
import type { Vault } from "../vault/Vault.ts"
import { type SecretSource, secretValues } from "./secretSources.ts"

/** What Vault has said of late, by path. */
export interface SecretBook {
  /** Values that the secret has, and had within the last hour; none when it was never read. Answers within seconds. */
  readonly read: (source: SecretSource) => Effect.Effect<FoundSecret>
}

export interface FoundSecret {
  readonly path: string
  readonly values: Option.Option<ReadonlyArray<string>>
}

type Fields = Readonly<Record<string, string>>

const fresh = Duration.seconds(30)
const failed = Duration.seconds(10)
const patience = Duration.seconds(3)

/** Milliseconds for which a value counts that was changed meanwhile, or can't be read any more: steps that run may have it. */
const remembered = 3_600_000
const versionsKept = 4
const mostSecrets = 256

export const makeSecretBook = Effect.fnUntraced(function* (vault: Vault["Type"]): Effect.fn.Return<SecretBook> {
  const known = new Map<string, ReadonlyArray<{ readonly fields: Fields; readonly at: number }>>()
  const warned = new Set<string>()

  const remember = (path: string, fields: Fields, now: number) => {
    const before = (known.get(path) ?? []).filter(
      (version) => now - version.at < remembered && !same(version.fields, fields)
    )
    // The one that was asked for longest ago goes.
    known.delete(path)
    known.set(path, [{ fields, at: now }, ...before].slice(0, versionsKept))
    const [oldest] = known.keys()
    if (known.size > mostSecrets && oldest !== undefined) known.delete(oldest)
  }

  /** Once for each secret, not for each log. */
  const warn = (path: string, error: ApiError) =>
    Effect.suspend(() => {
      if (warned.has(path)) return Effect.void
      if (warned.size >= mostSecrets) warned.clear()
      warned.add(path)
      return Effect.annotateLogs(
        Effect.logWarning("a secret can't be read: its values can't be found in logs", error.message),
        { path }
      )
    })

  const ask = Effect.fnUntraced(function* (path: string) {
    const answer = yield* vault.read(path).pipe(
      Effect.timeoutFail({
        duration: patience,
        onTimeout: () => new Unavailable({ system: "vault", operation: `read ${path}`, detail: "no answer in time" })
      }),
      Effect.either
    )
    if (Either.isLeft(answer)) {
      yield* warn(path, answer.left)
      return false
    }
    warned.delete(path)
    remember(path, answer.right, yield* Clock.currentTimeMillis)
    return true
  })

  const asked = yield* Cache.makeWith({
    capacity: mostSecrets,
    lookup: ask,
    timeToLive: (exit) => (exit._tag === "Success" && exit.value ? fresh : failed)
  })

  return {
    read: Effect.fnUntraced(function* (source) {
      const { path } = source
      yield* asked.get(path)
      const now = yield* Clock.currentTimeMillis
      const versions = (known.get(path) ?? []).filter(({ at }) => now - at < remembered)
      return {
        path,
        values:
          versions.length === 0
            ? Option.none()
            : Option.some([...new Set(versions.flatMap(({ fields }) => secretValues(source, fields)))])
      }
    })
  }
})

const same = (a: Fields, b: Fields): boolean => {
  const names = Object.keys(a)
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name])
}
