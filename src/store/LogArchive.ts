import { Clock, Context, Effect, Layer, Option, Ref } from "effect"
import { Consul } from "../consul/Consul.ts"
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
 * An entry below `log-index/` says what each weighs. It is written before the log and deleted with it, so that nothing
 * lies in the store that the index doesn't count, whatever crashes when.
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

const make = Effect.fnUntraced(function* (keys: Keys) {
  const consul = yield* Consul
  const written = yield* Ref.make(0)

  const entryOf = (name: string, nomadJobId: string, stream: LogStream) =>
    Effect.map(
      consul.get(keys.logEntry(name, nomadJobId, stream)),
      Option.flatMap(({ value }) => decodeLogEntry(value))
    )

  const piecesOf = (name: string, nomadJobId: string, stream: LogStream, pieces: number) =>
    Array.from({ length: pieces }, (_, piece) => keys.logPiece(name, nomadJobId, stream, piece))

  const write = Effect.fnUntraced(function* (name: string, nomadJobId: string, stream: LogStream, log: BoundedLog) {
    const { bytes, truncated } = log
    if (bytes === 0) return { bytes, truncated }
    const packed = yield* pack(log.kept)
    const before = yield* entryOf(name, nomadJobId, stream)
    const entry: LogEntry = {
      at: Option.isSome(before) ? before.value.at : yield* Clock.currentTimeMillis,
      stored: packed.length,
      pieces: Math.ceil(packed.length / pieceBytes),
      bytes,
      truncated
    }
    // An earlier try may have seen more: what it left beyond the end of this one would spoil it.
    const surplus = piecesOf(name, nomadJobId, stream, Option.getOrElse(before, () => entry).pieces).slice(entry.pieces)
    yield* Effect.forEach(surplus, (key) => consul.delete(key), { discard: true })
    yield* consul.put(keys.logEntry(name, nomadJobId, stream), encodeLogEntry(entry))
    yield* Effect.forEach(
      piecesOf(name, nomadJobId, stream, entry.pieces),
      (key, piece) => consul.put(key, packed.subarray(piece * pieceBytes, (piece + 1) * pieceBytes)),
      { concurrency: 4, discard: true }
    )
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
    const entry = yield* entryOf(name, nomadJobId, stream)
    if (Option.isNone(entry)) return Option.none<Archived>()
    const { value } = yield* consul.keys(keys.logsOf(name, nomadJobId, stream))
    const { bytes, pieces, truncated } = entry.value
    return value.length === pieces ? Option.some({ bytes, truncated }) : Option.none<Archived>()
  })

  return LogArchive.of({ write, read, find, written: Ref.get(written) })
})

const pieceNumber = (key: string): number => Number(key.slice(key.lastIndexOf(".") + 1))
