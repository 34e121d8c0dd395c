import { Either, Option, Schema } from "effect"
import { BuildJob } from "../domain/BuildJob.ts"
import { decodeRecord, type DesiredRecord } from "../domain/decodeRecord.ts"
import type { FieldError } from "../domain/FieldError.ts"
import { RecordView } from "../domain/Snapshot.ts"
import { recordName } from "./keys.ts"
import type { ReadEntry } from "./readKeys.ts"

/** A record as one key of the store holds it. */
export interface StoredRecord {
  readonly key: string
  /** What a status write must find unchanged. */
  readonly modifyIndex: number
  readonly view: RecordView
}

/**
 * Bytes that a record may have: a status repeats its record, and a status must fit a transaction together with what
 * is written with it.
 */
export const maxRecordBytes = 64 * 1024

/** What the service makes of a record's value: whoever writes one can know before. */
export const readRecord = (value: Uint8Array): Either.Either<DesiredRecord, ReadonlyArray<FieldError>> =>
  value.length > maxRecordBytes
    ? Either.left([tooLarge(value.length)])
    : Either.flatMap(decodeRecord(new TextDecoder().decode(value)), bounded)

const tooLarge = (bytes: number): FieldError => ({
  path: "",
  message: `the record has ${bytes} bytes; at most ${maxRecordBytes} are accepted`
})

/**
 * The keys below `jobs/`, by record name. Two keys can spell one name (`web` and `web.json`): the older one is the
 * record, the newer one's status, under its full key, says `DuplicateName`.
 */
export interface RecordTable {
  /** Takes a key's new value; answers with the names whose record changed by it. */
  readonly put: (entry: ReadEntry) => ReadonlyArray<string>
  readonly remove: (key: string) => ReadonlyArray<string>
  readonly get: (name: string) => Option.Option<StoredRecord>
  /** Bytes of a record as it was written; 0 without one. What it costs to understand it grows with them. */
  readonly weight: (name: string) => number
  readonly modifyIndex: (key: string) => Option.Option<number>
  /** Whether there is a value of the key: asked of thousands at a time. */
  readonly has: (key: string) => boolean
  readonly keys: () => ReadonlyArray<string>
  /** How many keys there are. */
  readonly size: () => number
  readonly names: () => ReadonlyArray<string>
  /** Bytes of all values together, as they were read. */
  readonly bytes: () => number
}

/** A key's record: its text until somebody looks at it, then only what it means. */
interface Held {
  readonly key: string
  readonly createIndex: number
  readonly modifyIndex: number
  readonly bytes: number
  content: { readonly text: Uint8Array } | { readonly view: RecordView }
}

export const makeRecordTable = (jobs: string): RecordTable => {
  const entries = new Map<string, Held>()
  const byName = new Map<string, ReadonlyArray<string>>()
  let bytes = 0

  /** Decoding costs more than anything else here: it is done once, when it is needed, and the text is dropped then. */
  const view = (held: Held): RecordView => {
    if ("view" in held.content) return held.content.view
    const made = decode(held.content.text)
    held.content = { view: made }
    return made
  }

  const aliasesOf = (name: string): ReadonlyArray<string> =>
    (byName.get(name) ?? []).toSorted((a, b) => (entries.get(a)?.createIndex ?? 0) - (entries.get(b)?.createIndex ?? 0))

  /** A name alone, unless it is contested: then each key that has it shows a status of its own. */
  const affected = (name: string, before: ReadonlyArray<string>): ReadonlyArray<string> => {
    const contenders = new Set([...before, ...aliasesOf(name)])
    return contenders.size <= 1
      ? [name]
      : [...new Set([name, ...[...contenders].map((key) => duplicateName(jobs, key, name))])]
  }

  const stored = (key: string | undefined, override?: RecordView): Option.Option<StoredRecord> => {
    const entry = key === undefined ? undefined : entries.get(key)
    return entry === undefined
      ? Option.none()
      : Option.some({ key: entry.key, modifyIndex: entry.modifyIndex, view: override ?? view(entry) })
  }

  return {
    put: (entry) => {
      const name = Option.getOrUndefined(recordName(jobs, entry.key))
      if (name === undefined) return []
      const before = aliasesOf(name)
      bytes += entry.value.length - (entries.get(entry.key)?.bytes ?? 0)
      entries.set(entry.key, hold(entry))
      byName.set(name, [...new Set([...before, entry.key])])
      return affected(name, before)
    },
    remove: (key) => {
      const name = Option.getOrUndefined(recordName(jobs, key))
      const held = entries.get(key)
      if (name === undefined || held === undefined) return []
      entries.delete(key)
      bytes -= held.bytes
      const before = aliasesOf(name)
      const rest = before.filter((other) => other !== key)
      if (rest.length === 0) byName.delete(name)
      else byName.set(name, rest)
      return affected(name, before)
    },
    get: (name) => {
      const [winner] = aliasesOf(name)
      if (winner !== undefined) return stored(winner)
      const [base, key] = splitDuplicate(jobs, name)
      const aliases = aliasesOf(base)
      const loser = aliases.slice(1).find((alias) => alias === key)
      return stored(loser, duplicate(aliases[0] ?? ""))
    },
    weight: (name) => {
      const [winner = ""] = aliasesOf(name)
      return entries.get(winner)?.bytes ?? 0
    },
    modifyIndex: (key) => Option.map(Option.fromNullable(entries.get(key)), ({ modifyIndex }) => modifyIndex),
    has: (key) => entries.has(key),
    keys: () => [...entries.keys()],
    size: () => entries.size,
    bytes: () => bytes,
    names: () =>
      [...byName].flatMap(([name]) => [
        name,
        ...aliasesOf(name)
          .slice(1)
          .map((key) => duplicateName(jobs, key, name))
      ])
  }
}

const hold = ({ createIndex, key, modifyIndex, value }: ReadEntry): Held => ({
  key,
  createIndex,
  modifyIndex,
  bytes: value.length,
  content: value.length > maxRecordBytes ? { view: decode(value) } : { text: value }
})

const decode = (value: Uint8Array): RecordView =>
  Either.match(readRecord(value), {
    onLeft: (errors) => RecordView.Invalid({ reason: "InvalidSpec", errors }),
    onRight: (desired) => RecordView.Valid({ desired })
  })

/** What YAML's aliases make of a small text is what a status repeats. */
const bounded = (desired: DesiredRecord): Either.Either<DesiredRecord, ReadonlyArray<FieldError>> => {
  const size = Buffer.byteLength(encodeJob(desired.job))
  const message = `the record has ${size} bytes when its aliases are written out; at most ${maxRecordBytes} are accepted`
  return size <= maxRecordBytes ? Either.right(desired) : Either.left([{ path: "", message }])
}

const encodeJob = Schema.encodeSync(Schema.parseJson(BuildJob))

const duplicate = (winner: string): RecordView =>
  RecordView.Invalid({
    reason: "DuplicateName",
    errors: [{ path: "", message: `the older key ${winner} has this name already; delete or rename one of the two` }]
  })

const marker = " (duplicate)"

/** A name for the status of a key that lost its name to an older one: the key as it is written. */
const duplicateName = (jobs: string, key: string, name: string): string => {
  const written = key.slice(jobs.length)
  return written === name ? `${name}${marker}` : written
}

const splitDuplicate = (jobs: string, name: string): readonly [string, string] => {
  if (name.endsWith(marker)) {
    const base = name.slice(0, -marker.length)
    return [base, `${jobs}${base}`]
  }
  const key = `${jobs}${name}`
  return [Option.getOrElse(recordName(jobs, key), () => name), key]
}
