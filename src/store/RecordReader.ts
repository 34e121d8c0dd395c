import { Effect, Option } from "effect"
import type { Consul } from "../consul/Consul.ts"
import type { ApiError } from "../http/ApiError.ts"
import { recordName } from "./keys.ts"
import { changedKeys, missingKeys, type ReadEntry, readKeys } from "./readKeys.ts"
import type { RecordTable } from "./RecordTable.ts"

/** Brings the values below `jobs/` into the table, whichever of them are wanted, and tells whose record changed by it. */
export interface RecordReader {
  /** Values of keys that the table doesn't have. What this misses, the next `read` brings. */
  readonly fetch: (keys: ReadonlyArray<string>) => Effect.Effect<void>
  /** Brings what is new or has changed of a part, whose names its watch has just told. Answers with the keys that are there. */
  readonly read: (part: ReadPart) => Effect.Effect<ReadonlyArray<string>, ApiError>
  /** Drops those of these keys that are gone indeed. */
  readonly drop: (keys: ReadonlyArray<string>) => Effect.Effect<void, ApiError>
}

export interface ReadPart {
  readonly prefix: string
  readonly names: ReadonlyArray<string>
  /** What the store had got to when they were told. */
  readonly index: number
  /** Whether so many, or such large ones, that values are only read of what is new and of what says that it changed. */
  readonly many: boolean
}

/** More new names at once than this are fetched many to a request: each that is fetched alone costs half a submission. */
const singleFetches = 1

export const makeRecordReader = (
  consul: Consul["Type"],
  jobs: string,
  table: RecordTable,
  publish: (names: ReadonlyArray<string>) => Effect.Effect<void>
): RecordReader => {
  const take = (entry: ReadEntry): Effect.Effect<void, ApiError> =>
    Effect.suspend(() => {
      const known = Option.getOrElse(table.modifyIndex(entry.key), () => 0)
      if (known === entry.modifyIndex) return Effect.void
      return known < entry.modifyIndex ? publish(table.put(entry)) : takeOlder(entry.key, known)
    })

  /**
   * A read that was overtaken by a later one must not bring the past back; a Consul that was restored from a snapshot does.
   * One that begins now says which of the two it is.
   */
  const takeOlder = (key: string, known: number) =>
    Effect.flatMap(
      consul.get(key, { consistent: true }),
      Option.match({
        onNone: () => Effect.void,
        onSome: (entry) =>
          Effect.suspend(() => {
            const isRestored = entry.modifyIndex < known && Option.contains(table.modifyIndex(key), known)
            return isRestored ? publish(table.put(entry)) : Effect.void
          })
      })
    )

  const fetchOne = (key: string) =>
    Effect.flatMap(consul.get(key), Option.match({ onNone: () => Effect.void, onSome: take }))

  /** A shrunken list is no proof: it also shrinks when a token loses its right. The single key is asked. */
  const confirmGone = (key: string) =>
    Effect.flatMap(
      consul.get(key, { consistent: true }),
      Option.match({ onNone: () => Effect.suspend(() => publish(table.remove(key))), onSome: take })
    )

  /** An answer from before what the watch has seen hides the very change that it is read for. */
  const newestList = Effect.fnUntraced(function* ({ index, prefix }: ReadPart) {
    const listed = yield* consul.list(prefix)
    return listed.index < index ? yield* consul.list(prefix, { consistent: true }) : listed
  })

  /** By their indexes alone: the values of thousands of records can be more than this process has room for. */
  const readChanged = Effect.fnUntraced(function* ({ names }: ReadPart) {
    const keys = names.filter((key) => Option.isSome(recordName(jobs, key)))
    const known = keys.flatMap((key) =>
      Option.match(table.modifyIndex(key), { onNone: () => [], onSome: (index) => [{ key, index }] })
    )
    const changed = yield* changedKeys(consul, known)
    const fresh = keys.filter((key) => !table.has(key))
    yield* readKeys(consul, [...fresh, ...changed], take)
    return names
  })

  const readAll = Effect.fnUntraced(function* (part: ReadPart) {
    const { value } = yield* newestList(part)
    yield* Effect.forEach(value, take, { discard: true })
    return value.map(({ key }) => key)
  })

  const drop = Effect.fnUntraced(function* (keys: ReadonlyArray<string>) {
    // Whole folders are deleted at once. What this doesn't tell of a key, its own reading does.
    const gone = keys.length > 1 ? yield* unlessOut("deletions", [], missingKeys(consul, keys)) : []
    yield* Effect.forEach(gone, (key) => publish(table.remove(key)), { discard: true })
    const left = keys.filter(table.has)
    yield* Effect.forEach(left, (key) => unlessOut(`deletion of ${key}`, undefined, confirmGone(key)), {
      concurrency: 8,
      discard: true
    })
  })

  return {
    drop,
    fetch: (keys) =>
      keys.length <= singleFetches
        ? Effect.forEach(keys, (key) => Effect.ignore(fetchOne(key)), { discard: true })
        : Effect.ignore(readKeys(consul, keys, take)),
    read: (part) => (part.many ? readChanged(part) : readAll(part))
  }
}

/** An outage passes, and what it hid is asked again; any other refusal would be repeated for each key for ever. */
const unlessOut = <A, R>(
  what: string,
  otherwise: A,
  effect: Effect.Effect<A, ApiError, R>
): Effect.Effect<A, ApiError, R> =>
  Effect.catchIf(
    effect,
    ({ _tag }) => _tag !== "Unavailable",
    (error) => Effect.as(Effect.logWarning(`records: ${what} not read`, error), otherwise)
  )
