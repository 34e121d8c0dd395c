import { Context, Duration, Effect, FiberHandle, Layer, Option, PubSub, Ref, type Scope, Stream } from "effect"
import { Consul, type Indexed } from "../consul/Consul.ts"
import type { ApiError } from "../http/ApiError.ts"
import { type Keys, recordName } from "./keys.ts"
import { changedKeys, missingKeys, type ReadEntry, readKeys } from "./readKeys.ts"
import { makeRecordTable, type StoredRecord } from "./RecordTable.ts"

/**
 * The records below `jobs/`, kept in this process and followed by one watch.
 *
 * A watch on values would bring the whole prefix for each change: the watch is on names, which changed values wake
 * too; new names are fetched singly, changed values found by one recursive read in a while. Where that would bring too
 * much, values are only read of what is new and of what says that it changed.
 */
export class Records extends Context.Tag("jobforge/store/Records")<
  Records,
  {
    readonly get: (name: string) => Option.Option<StoredRecord>
    /** Bytes of a record as it was written; 0 without one. */
    readonly weight: (name: string) => number
    readonly names: () => ReadonlyArray<string>
    /** Names whose record appeared, changed or was deleted, as from now on. */
    readonly changes: Effect.Effect<Stream.Stream<string>, never, Scope.Scope>
    /** Completes when the first reading is in. Before that no record counts as absent. */
    readonly ready: Effect.Effect<void>
  }
>() {
  static readonly layer = (keys: Keys): Layer.Layer<Records, never, Consul> => Layer.scoped(Records, make(keys))
}

/** Milliseconds between two reads of all values, however many changes there are. */
const valuesEvery = 250
const valuesAtLeastEvery = 5000

/** The same where all that the watch brings are new names, which are fetched: only what changed beside them is missing. */
const explainedEvery = 2000

/** A read that takes long, since there are thousands of records, leaves so much more time to everybody else. */
const pauseAfter = (taken: Duration.Duration): Duration.Duration =>
  Duration.clamp(Duration.times(taken, 4), { minimum: valuesEvery, maximum: valuesAtLeastEvery })

/** Names, and bytes of their values together, that are still read as a whole. */
const manyNames = 256
const manyBytes = 1024 * 1024

/** More new names at once than this are fetched many to a request: each that is fetched alone costs half a submission. */
const singleFetches = 1

const make = Effect.fnUntraced(function* (keys: Keys) {
  const consul = yield* Consul
  const { jobs } = keys
  const table = makeRecordTable(jobs)
  const announce = yield* PubSub.unbounded<string>()
  const ready = yield* Effect.makeLatch(false)
  const wanted = yield* Effect.makeLatch(false)
  const unhurried = yield* FiberHandle.make()
  const listed = yield* Ref.make(false)
  /** What the watch last said: the names, and what the store has got to. */
  const reached = yield* Ref.make(0)
  const named = yield* Ref.make<ReadonlyArray<string>>([])

  const publish = (names: ReadonlyArray<string>) => Effect.asVoid(PubSub.publishAll(announce, names))

  const take = (entry: ReadEntry) =>
    Effect.suspend(() => {
      const known = table.modifyIndex(entry.key)
      // A read that was overtaken by a later one must not bring the past back.
      if (Option.isSome(known) && known.value >= entry.modifyIndex) return Effect.void
      return publish(table.put(entry))
    })

  const fetchOne = (key: string) =>
    Effect.flatMap(consul.get(key), Option.match({ onNone: () => Effect.void, onSome: take }))

  const fetchAll = (keys: ReadonlyArray<string>) =>
    Effect.forEach(keys, (key) => Effect.ignore(fetchOne(key)), { concurrency: 8, discard: true })

  /** A shrunken list is no proof: it also shrinks when a token loses its right. The single key is asked. */
  const confirmGone = (key: string) =>
    Effect.flatMap(
      consul.get(key, { consistent: true }),
      Option.match({ onNone: () => Effect.suspend(() => publish(table.remove(key))), onSome: take })
    )

  /** An answer from before what the watch has seen hides the very change that it is read for. */
  const newestList = Effect.gen(function* () {
    const listed = yield* consul.list(jobs)
    return listed.index < (yield* Ref.get(reached)) ? yield* consul.list(jobs, { consistent: true }) : listed
  })

  /** By their indexes alone: the values of thousands of records can be more than this process has room for. */
  const readChanged = Effect.fnUntraced(function* (names: ReadonlyArray<string>) {
    const keys = names.filter((key) => Option.isSome(recordName(jobs, key)))
    const known = keys.flatMap((key) =>
      Option.match(table.modifyIndex(key), { onNone: () => [], onSome: (index) => [{ key, index }] })
    )
    const changed = yield* changedKeys(consul, known)
    const fresh = keys.filter((key) => !table.has(key))
    yield* readKeys(consul, [...fresh, ...changed], take)
    return names
  })

  const readAll = Effect.gen(function* () {
    const { value } = yield* newestList
    yield* Effect.forEach(value, take, { discard: true })
    return value.map(({ key }) => key)
  })

  const readValues = Effect.gen(function* () {
    const names = yield* Ref.get(named)
    const many = names.length > manyNames || table.bytes() > manyBytes
    const present = new Set(yield* many ? readChanged(names) : readAll)
    const unlisted = table.keys().filter((key) => !present.has(key))
    // Whole folders are deleted at once. What this doesn't tell of a key, its own reading does.
    const gone = unlisted.length > 1 ? yield* unlessOut("deletions", [], missingKeys(consul, unlisted)) : []
    yield* Effect.forEach(gone, (key) => publish(table.remove(key)), { discard: true })
    const left = unlisted.filter(table.has)
    yield* Effect.forEach(left, (key) => unlessOut(`deletion of ${key}`, undefined, confirmGone(key)), {
      concurrency: 8,
      discard: true
    })
  })

  const onNames = Effect.fnUntraced(function* ({ index, value: names }: Indexed<ReadonlyArray<string>>) {
    yield* Ref.set(reached, index)
    const fresh = names.filter((key) => !table.has(key))
    const first = !(yield* Ref.get(listed))
    const before = (yield* Ref.getAndSet(named, names)).length
    // Whatever this misses, the values that are read next bring.
    if (!first) yield* Effect.ignore(fresh.length <= singleFetches ? fetchAll(fresh) : readKeys(consul, fresh, take))
    const many = names.length > manyNames
    const explained = fresh.length > 0 && names.length === before + fresh.length && fresh.every(table.has)
    yield* many && explained
      ? FiberHandle.run(unhurried, Effect.zipRight(Effect.sleep(explainedEvery), wanted.open), { onlyIfMissing: true })
      : wanted.open
  })

  yield* consul.watchKeys(jobs).pipe(Stream.runForEach(onNames), Effect.forkScoped)
  yield* Effect.gen(function* () {
    yield* wanted.close
    yield* readValues
    yield* Ref.set(listed, true)
    yield* ready.open
  }).pipe(
    // What failed is tried again: the watch has no reason to wake for it.
    Effect.catchAll((error) => Effect.zipRight(Effect.logWarning("records could not be read", error), wanted.open)),
    Effect.timed,
    Effect.flatMap(([taken]) => Effect.sleep(pauseAfter(taken))),
    (reading) => Effect.forever(Effect.zipRight(wanted.await, reading)),
    Effect.forkScoped
  )

  return Records.of({
    get: table.get,
    weight: table.weight,
    names: table.names,
    changes: Effect.map(PubSub.subscribe(announce), (queue) => Stream.fromQueue(queue)),
    ready: ready.await
  })
})

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
