import { Context, Duration, Effect, FiberMap, Layer, Option, PubSub, Schedule, type Scope, Stream } from "effect"
import { Consul, type Indexed } from "../consul/Consul.ts"
import { type Keys, recordName } from "./keys.ts"
import { makePace } from "./pace.ts"
import { partition, type PartitionLimits } from "./partition.ts"
import { makeRecordReader } from "./RecordReader.ts"
import { makeRecordTable, type StoredRecord } from "./RecordTable.ts"

/**
 * The records below `jobs/`, kept in this process and followed by watches.
 *
 * A watch on values would bring the whole prefix for each change: the watch is on names, which changed values wake
 * too; new names are fetched singly, changed values found by one recursive read in a while. Where that would bring too
 * much, values are only read of what is new and of what says that it changed. The names of thousands are too much as well:
 * those are divided by their beginnings, each part has a watch of its own, and that on all only finds what is in none.
 *
 * While nobody listens to changes, as on a replica that doesn't lead, they are followed at leisure. Whoever begins to listen
 * finds them as they are then.
 */
export class Records extends Context.Tag("jobforge/store/Records")<
  Records,
  {
    readonly get: (name: string) => Option.Option<StoredRecord>
    /** Bytes of a record as it was written; 0 without one. */
    readonly weight: (name: string) => number
    readonly names: () => ReadonlyArray<string>
    /** Names whose record appeared, changed or was deleted, as from now on; the records are as they are now when it answers. */
    readonly changes: Effect.Effect<Stream.Stream<string>, never, Scope.Scope>
    /** Completes when the first reading is in. Before that no record counts as absent. */
    readonly ready: Effect.Effect<void>
  }
>() {
  static readonly layer = (keys: Keys, limits: PartitionLimits = defaultLimits): Layer.Layer<Records, never, Consul> =>
    Layer.scoped(Records, make(keys, limits))
}

/** Names that one answer brings in a millisecond or two; connections that leave enough of the 200 that Consul allows a client. */
const defaultLimits: PartitionLimits = { names: 2048, parts: 48 }

/** Milliseconds between two reads of all values, however many changes there are. */
const valuesEvery = 250
const valuesAtLeastEvery = 5000

/** The same where all that the watch brings are new names, which are fetched: only what changed beside them is missing. */
const explainedEvery = 2000

/** A read that takes long, since there are thousands of records, leaves so much more time to everybody else. */
const pauseAfter = (taken: Duration.Duration): Duration.Duration =>
  Duration.clamp(Duration.times(taken, 4), { minimum: valuesEvery, maximum: valuesAtLeastEvery })

/** Between two looks while nobody listens: what a busy store would have them look at goes together. */
const leisurely = Duration.seconds(10)

/** Milliseconds a name that the watch on all leaves to everybody else, where parts have their own. */
const pauseAName = 0.02

/** Names, and bytes of their values together, that are still read as a whole. */
const manyNames = 256
const manyBytes = 1024 * 1024

/** Names with a watch of their own. */
interface Part {
  readonly prefix: string
  names: ReadonlyArray<string>
  /** Those of its names that the table has, and perhaps some that it has no more. None: whatever the table has is its own. */
  readonly held?: Set<string>
  /** What the watch last said that the store has got to; -1 before its first word. */
  index: number
  /** Up to which the values are known; -1: they have to be looked through. */
  known: number
}

const make = Effect.fnUntraced(function* (keys: Keys, limits: PartitionLimits) {
  const consul = yield* Consul
  const { jobs } = keys
  const table = makeRecordTable(jobs)
  const announce = yield* PubSub.unbounded<string>()
  const reader = makeRecordReader(consul, jobs, table, (names) => Effect.asVoid(PubSub.publishAll(announce, names)))
  const ready = yield* Effect.makeLatch(false)
  const wanted = yield* Effect.makeLatch(false)
  const unhurried = yield* FiberMap.make<string>()
  const watches = yield* FiberMap.make<string>()
  /** What is in no other part, with the names of all. */
  const whole: Part & { all: ReadonlyArray<string> } = { prefix: jobs, names: [], index: -1, known: -1, all: [] }
  const parts = new Map<string, Part>()
  const due = new Set<Part>()
  const { isHurried, leisure, listen } = yield* makePace
  let listed = false

  const want = (part: Part) =>
    Effect.suspend(() => {
      due.add(part)
      return wanted.open
    })

  const wantInAWhile = (part: Part) =>
    FiberMap.run(unhurried, part.prefix, Effect.zipRight(Effect.sleep(explainedEvery), want(part)), {
      onlyIfMissing: true
    })

  const isMany = (part: Part) => parts.size > 0 || part.names.length > manyNames || table.bytes() > manyBytes

  /** The watch on all also wakes for what changes in the parts, which is theirs. */
  const concerns = (part: Part, names: ReadonlyArray<string>) =>
    part !== whole ||
    names.length > 0 ||
    whole.all.reduce((count, key) => (table.has(key) ? count + 1 : count), 0) < table.size()

  const arrived = Effect.fnUntraced(function* (part: Part, index: number, names: ReadonlyArray<string>) {
    const isNews = (index > part.known || index < part.index) && concerns(part, names)
    const before = part.names.length
    part.index = index
    part.names = names
    if (!isHurried()) return isNews ? yield* want(part) : undefined
    const fresh = names.filter((key) => !table.has(key) && Option.isSome(recordName(jobs, key)))
    yield* reader.fetch(fresh)
    for (const key of fresh) part.held?.add(key)
    if (!isNews) return
    const explained = fresh.length > 0 && names.length === before + fresh.length && fresh.every(table.has)
    yield* explained && isMany(part) ? wantInAWhile(part) : want(part)
  })

  const follow = (prefix: string, known: number) =>
    Effect.suspend(() => {
      const held = new Set(table.keys().filter((key) => key.startsWith(prefix)))
      const part: Part = { prefix, names: [], held, index: -1, known }
      parts.set(prefix, part)
      const watch = Stream.runForEach(consul.watchKeys(prefix), ({ index, value }) =>
        Effect.zipRight(arrived(part, index, value), leisure(leisurely))
      )
      return FiberMap.run(watches, prefix, watch)
    })

  const forget = (part: Part) =>
    Effect.suspend(() => {
      parts.delete(part.prefix)
      due.delete(part)
      return Effect.zipRight(FiberMap.remove(watches, part.prefix), FiberMap.remove(unhurried, part.prefix))
    })

  /** Gives each part of the names its watch. Answers with the names that are in none. */
  const divide = Effect.fnUntraced(function* (names: ReadonlyArray<string>, known: number) {
    const { prefixes, rest } = partition(jobs, names, limits, [...parts.keys()])
    const kept = new Set(prefixes)
    yield* Effect.forEach(
      [...parts.values()].filter(({ prefix }) => !kept.has(prefix)),
      forget,
      { discard: true }
    )
    yield* Effect.forEach(
      prefixes.filter((prefix) => !parts.has(prefix)),
      (prefix) => follow(prefix, known),
      { discard: true }
    )
    return rest
  })

  const onNames = Effect.fnUntraced(function* ({ index, value: names }: Indexed<ReadonlyArray<string>>) {
    whole.all = names
    if (!listed) {
      whole.index = index
      whole.names = names
      return yield* want(whole)
    }
    yield* arrived(whole, index, yield* divide(names, -1))
    if (parts.size > 0) yield* Effect.sleep(names.length * pauseAName)
    yield* leisure(leisurely)
  })

  const readPart = Effect.fnUntraced(function* (part: Part) {
    const { index, names, prefix } = part
    const present = new Set(yield* reader.read({ prefix, names, index, many: isMany(part) }))
    const there = part === whole && parts.size > 0 ? new Set(whole.all) : present
    const gone = [...(part.held ?? table.keys())].filter((key) => !there.has(key))
    yield* reader.drop(gone.filter(table.has))
    // The watch may have brought more names meanwhile.
    for (const key of present) part.held?.add(key)
    for (const key of gone) if (!table.has(key)) part.held?.delete(key)
    part.known = index
  })

  /** Everything that happened while it was followed at leisure. */
  const catchUp = Effect.flatMap(consul.keys(jobs), ({ index, value: names }) =>
    readPart({ prefix: jobs, names, index, known: -1 })
  ).pipe(
    Effect.tapError((error) => Effect.logWarning("records could not be read", error)),
    Effect.retry(Schedule.spaced(valuesEvery)),
    Effect.orDie
  )

  const readDue = Effect.gen(function* () {
    yield* wanted.close
    const taken = [...due]
    due.clear()
    yield* Effect.forEach(taken, readPart, { discard: true }).pipe(
      // What failed is tried again: the watch has no reason to wake for it.
      Effect.tapError(() => Effect.forEach(taken, want, { discard: true }))
    )
    if (listed) return
    listed = true
    whole.names = yield* divide(whole.all, whole.known)
    yield* ready.open
  })

  yield* consul.watchKeys(jobs).pipe(Stream.runForEach(onNames), Effect.forkScoped)
  yield* readDue.pipe(
    Effect.catchAll((error) => Effect.logWarning("records could not be read", error)),
    Effect.timed,
    Effect.flatMap(([taken]) => Effect.zipRight(Effect.sleep(pauseAfter(taken)), leisure(leisurely))),
    (reading) => Effect.forever(Effect.zipRight(wanted.await, reading)),
    Effect.forkScoped
  )

  return Records.of({
    get: table.get,
    weight: table.weight,
    names: table.names,
    changes: Effect.gen(function* () {
      yield* listen
      const queue = yield* PubSub.subscribe(announce)
      yield* listed ? catchUp : ready.await
      return Stream.fromQueue(queue)
    }),
    ready: ready.await
  })
})
