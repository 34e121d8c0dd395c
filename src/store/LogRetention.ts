import { Context, Effect, Layer, Option } from "effect"
import { Consul, type KvEntry } from "../consul/Consul.ts"
import { TxnOp, TxnResult } from "../consul/Transaction.ts"
import type { ApiError } from "../http/ApiError.ts"
import type { Keys } from "./keys.ts"
import { decodeLogEntry, encodeLogEntry, type LogEntry, mostPieces } from "./LogEntry.ts"
import type { Retention } from "./Retention.ts"

export interface Pruned {
  /** Streams that were deleted. */
  readonly deleted: number
  /** Bytes of what is left. */
  readonly kept: number
}

/** Bounds the archived logs by size and age. Deletes as the leader only: each deletion carries its fence. */
export class LogRetention extends Context.Tag("jobforge/store/LogRetention")<
  LogRetention,
  {
    readonly prune: (
      limits: Pick<Retention, "logAge" | "logBytes">,
      fence: Option.Option<TxnOp>,
      now: number
    ) => Effect.Effect<Pruned, ApiError>
    /**
     * Enters logs that no index knows: what a leader that was deposed in the middle of archiving wrote after they were
     * deleted. It reads every name below `logs/`.
     */
    readonly adoptStrays: (fence: Option.Option<TxnOp>, now: number) => Effect.Effect<number, ApiError>
  }
>() {
  static readonly layer = (keys: Keys): Layer.Layer<LogRetention, never, Consul> =>
    Layer.effect(LogRetention, make(keys))
}

/** A stream of one attempt in the index. */
export interface IndexedLog {
  /** What stands behind `logs/` and `log-index/` alike. */
  readonly path: string
  readonly modifyIndex: number
  readonly entry: LogEntry
}

/**
 * What must go: all that is too old, then the oldest, down to a sixteenth below the limit so that not every new log
 * makes room for itself alone.
 */
export const logsToDelete = (
  logs: ReadonlyArray<IndexedLog>,
  { logAge, logBytes }: Pick<Retention, "logAge" | "logBytes">,
  now: number
): ReadonlyArray<IndexedLog> => {
  const total = sizeOf(logs)
  let excess = total > headroomOf(logBytes) ? total - headroomOf(logBytes) : 0
  return logs
    .toSorted((a, b) => a.entry.at - b.entry.at || (a.path < b.path ? -1 : 1))
    .filter(({ entry }) => {
      if (excess <= 0 && now - entry.at <= logAge) return false
      excess -= entry.stored
      return true
    })
}

/** The size that is gone down to, and from which on pruning begins. */
export const headroomOf = (logBytes: number): number => logBytes - Math.floor(logBytes / 16)

const sizeOf = (logs: ReadonlyArray<IndexedLog>): number => logs.reduce((sum, { entry }) => sum + entry.stored, 0)

const make = Effect.fnUntraced(function* (keys: Keys) {
  const consul = yield* Consul

  const indexed = Effect.map(consul.list(keys.logIndex, { consistent: true }), ({ value }) =>
    value.flatMap((found) => toIndexed(keys, found))
  )

  /** All of a stream at once, so that nothing is ever left half deleted. One that was written anew meanwhile stays. */
  const remove = (fence: Option.Option<TxnOp>, { entry, modifyIndex, path }: IndexedLog) =>
    Effect.map(
      consul.transaction([
        ...Option.toArray(fence),
        TxnOp.CheckIndex({ key: `${keys.logIndex}${path}`, index: modifyIndex }),
        TxnOp.Delete({ key: `${keys.logIndex}${path}` }),
        ...Array.from({ length: entry.pieces }, (_, piece) => TxnOp.Delete({ key: `${keys.logs}${path}.${piece}` }))
      ]),
      TxnResult.$is("Committed")
    )

  const prune = Effect.fn("LogRetention.prune")(function* (
    limits: Pick<Retention, "logAge" | "logBytes">,
    fence: Option.Option<TxnOp>,
    now: number
  ) {
    const logs = yield* indexed
    const doomed = logsToDelete(logs, limits, now)
    const gone = yield* Effect.filter(doomed, (log) => remove(fence, log), { concurrency: 4 })
    return { deleted: gone.length, kept: sizeOf(logs) - sizeOf(gone) }
  })

  const adoptStrays = Effect.fn("LogRetention.adoptStrays")(function* (fence: Option.Option<TxnOp>, now: number) {
    // The names first: an entry is written before its log, so what the later index doesn't know has none.
    const { value: names } = yield* consul.keys(keys.logs)
    const known = new Map((yield* indexed).map(({ entry, path }) => [path, entry.pieces] as const))
    const strays = straysAmong(
      names.map((key) => key.slice(keys.logs.length)),
      known
    )
    yield* Effect.forEach(
      strays,
      ([path, pieces]) =>
        consul.transaction([
          ...Option.toArray(fence),
          TxnOp.Cas({
            key: `${keys.logIndex}${path}`,
            value: encodeLogEntry({ at: now, stored: pieces * assumedBytes, pieces, bytes: 0, truncated: false }),
            index: 0
          })
        ]),
      { concurrency: 4, discard: true }
    )
    return strays.length
  })

  return LogRetention.of({ prune, adoptStrays })
})

const toIndexed = (keys: Keys, { key, modifyIndex, value }: KvEntry): ReadonlyArray<IndexedLog> =>
  Option.toArray(
    Option.map(decodeLogEntry(value), (entry) => ({ path: key.slice(keys.logIndex.length), modifyIndex, entry }))
  )

/** Of a piece whose size nobody noted: rather too much. */
const assumedBytes = 400 * 1024

/** Paths that the index doesn't have, each with the number of pieces that its highest one tells. */
const straysAmong = (
  names: ReadonlyArray<string>,
  known: ReadonlyMap<string, number>
): ReadonlyArray<readonly [string, number]> => {
  const strays = new Map<string, number>()
  for (const name of names) {
    const [, path, piece] = /^(.+)\.(\d+)$/.exec(name) ?? []
    if (path === undefined || known.has(path)) continue
    strays.set(path, Math.min(mostPieces, Math.max(strays.get(path) ?? 0, Number(piece) + 1)))
  }
  return [...strays]
}
