import { Clock, Context, Effect, Layer, Option, Ref } from "effect"
import { Consul } from "../consul/Consul.ts"
import { TxnOp, TxnResult } from "../consul/Transaction.ts"
import { type ApiError, Invalid } from "../http/ApiError.ts"
import { family } from "../metrics/families.ts"
import { Metrics } from "../metrics/Metrics.ts"
import type { BoundedLog } from "./BoundedLog.ts"
import type { Keys } from "./keys.ts"
import { decodeLogEntry, encodeLogEntry, type LogEntry } from "./LogEntry.ts"
import { pack, unpack } from "./packing.ts"

export type LogStream = "stdout" | "stderr"

/** What became of a log in the archive. */
export interface Archived {
  /** Bytes of the whole log, as Nomad had it. */
  readonly bytes: number
  /** Its middle was cut out. */
  readonly truncated: boolean
}

/**
 * The logs of ended attempts, below `logs/`, since Nomad forgets them.
 *
 * An entry below `log-index/` says what each weighs. It is written with the log or before it, and deleted with it, so that
 * nothing lies in the store that the index doesn't count, whatever crashes when.
 */
export class LogArchive extends Context.Tag("jobforge/store/LogArchive")<
  LogArchive,
  {
    /** Repeating it changes nothing; an empty log leaves nothing. */
    readonly write: (
      name: string,
      nomadJobId: string,
      stream: LogStream,
      log: BoundedLog
    ) => Effect.Effect<Archived, ApiError>
    /** Empty when there is none, or none any more. */
    readonly read: (name: string, nomadJobId: string, stream: LogStream) => Effect.Effect<Uint8Array, ApiError>
    /** What is in the archive already; what a crash left incomplete counts as not there. */
    readonly find: (
      name: string,
      nomadJobId: string,
      stream: LogStream
    ) => Effect.Effect<Option.Option<Archived>, ApiError>
    /** Bytes that this process has put into the store so far. */
    readonly written: Effect.Effect<number>
  }
>() {
  static readonly layer = (keys: Keys): Layer.Layer<LogArchive, never, Consul> => Layer.effect(LogArchive, make(keys))
}

/** Below Consul's limit of 512 KiB for a value, with room for the key. */
const pieceBytes = 400 * 1024

/** What fits one transaction, whose values are a third longer there, beside the rest of it. */
const atOnceBytes = 256 * 1024

interface Place {
  readonly name: string
  readonly nomadJobId: string
  readonly stream: LogStream
}

const make = Effect.fnUntraced(function* (keys: Keys) {
  const consul = yield* Consul
  const written = yield* Ref.make(0)

  const entryKey = ({ name, nomadJobId, stream }: Place) => keys.logEntry(name, nomadJobId, stream)

  const entryOf = (place: Place) =>
    Effect.map(
      consul.get(entryKey(place)),
      Option.flatMap(({ value }) => decodeLogEntry(value))
    )

  const pieceKeys = ({ name, nomadJobId, stream }: Place, pieces: number) =>
    Array.from({ length: pieces }, (_, piece) => keys.logPiece(name, nomadJobId, stream, piece))

  const piecesOf = (place: Place, entry: LogEntry, packed: Uint8Array) =>
    pieceKeys(place, entry.pieces).map((key, piece) => ({
      key,
      value: packed.subarray(piece * pieceBytes, (piece + 1) * pieceBytes)
    }))

  /** Most logs are small and are written once: a third of the requests. False: there was one before. */
  const writeAtOnce = (place: Place, entry: LogEntry, packed: Uint8Array) =>
    Effect.map(
      consul.transaction([
        TxnOp.Cas({ key: entryKey(place), value: encodeLogEntry(entry), index: 0 }),
        ...piecesOf(place, entry, packed).map(TxnOp.Set)
      ]),
      TxnResult.$is("Committed")
    )

  const writeInPieces = Effect.fnUntraced(function* (place: Place, entry: LogEntry, packed: Uint8Array) {
    const before = yield* entryOf(place)
    // An earlier try may have seen more: what it left beyond the end of this one would spoil it.
    const surplus = pieceKeys(place, Option.getOrElse(before, () => entry).pieces).slice(entry.pieces)
    yield* Effect.forEach(surplus, (key) => consul.delete(key), { discard: true })
    yield* consul.put(
      entryKey(place),
      encodeLogEntry({ ...entry, at: Option.match(before, { onNone: () => entry.at, onSome: ({ at }) => at }) })
    )
    yield* Effect.forEach(piecesOf(place, entry, packed), ({ key, value }) => consul.put(key, value), {
      concurrency: 4,
      discard: true
    })
  })

  const write = Effect.fnUntraced(function* (name: string, nomadJobId: string, stream: LogStream, log: BoundedLog) {
    const { bytes, truncated } = log
    if (bytes === 0) return { bytes, truncated }
    const packed = yield* pack(log.kept)
    const entry: LogEntry = {
      at: yield* Clock.currentTimeMillis,
      stored: packed.length,
      pieces: Math.ceil(packed.length / pieceBytes),
      bytes,
      truncated
    }
    const place = { name, nomadJobId, stream }
    if (packed.length > atOnceBytes || !(yield* writeAtOnce(place, entry, packed)))
      yield* writeInPieces(place, entry, packed)
    yield* Ref.update(written, (sum) => sum + packed.length)
    const metrics = yield* Metrics
    metrics.add(family.archivedBytes, {}, packed.length)
    return { bytes, truncated }
  })

  const read = Effect.fnUntraced(function* (name: string, nomadJobId: string, stream: LogStream) {
    const { value } = yield* consul.list(keys.logsOf(name, nomadJobId, stream))
    const pieces = value.toSorted((a, b) => pieceNumber(a.key) - pieceNumber(b.key)).map((entry) => entry.value)
    if (pieces.length === 0) return new Uint8Array()
    const damaged = () =>
      new Invalid({ system: "consul", operation: `log of ${nomadJobId}`, detail: "the archived pieces are damaged" })
    return yield* unpack(Buffer.concat(pieces), damaged)
  })

  const find = Effect.fnUntraced(function* (name: string, nomadJobId: string, stream: LogStream) {
    const entry = yield* entryOf({ name, nomadJobId, stream })
    if (Option.isNone(entry)) return Option.none<Archived>()
    const { value } = yield* consul.keys(keys.logsOf(name, nomadJobId, stream))
    const { bytes, pieces, truncated } = entry.value
    return value.length === pieces ? Option.some({ bytes, truncated }) : Option.none<Archived>()
  })

  return LogArchive.of({ write, read, find, written: Ref.get(written) })
})

const pieceNumber = (key: string): number => Number(key.slice(key.lastIndexOf(".") + 1))
