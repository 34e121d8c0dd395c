import { Array as Arr, Effect, Option } from "effect"
import type { Consul, KvEntry } from "../consul/Consul.ts"
import { TxnOp, TxnResult } from "../consul/Transaction.ts"
import type { ApiError } from "../http/ApiError.ts"

/** What a read of many keys tells of one. */
export type ReadEntry = Pick<KvEntry, "key" | "value" | "createIndex" | "modifyIndex">

/**
 * Reads many keys in few requests, a bounded number of bytes at a time, and hands each over. What is gone meanwhile,
 * and what may not be read, is left out.
 */
export const readKeys = (
  consul: Consul["Type"],
  keys: ReadonlyArray<string>,
  take: (entry: ReadEntry) => Effect.Effect<void, ApiError>
): Effect.Effect<void, ApiError> =>
  Effect.suspend(() => {
    let at = 0
    let atOnce = keysAtOnce
    const lane = Effect.whileLoop({
      while: () => at < keys.length,
      body: () => {
        const chunk = keys.slice(at, at + atOnce)
        at += chunk.length
        return Effect.flatMap(readChunk(consul, chunk), (entries) => {
          const bytes = entries.reduce((sum, { value }) => sum + value.length, 0)
          atOnce = bytes <= little ? littleKeysAtOnce : keysAtOnce
          return Effect.forEach(entries, take, { discard: true })
        }).pipe(
          // Others want the processor too: thousands of records are read here.
          Effect.zipLeft(Effect.yieldNow())
        )
      },
      step: () => {}
    })
    return Effect.all([lane, lane], { concurrency: 2, discard: true })
  })

/** So few that the largest values fill 8 MiB, which one answer may have without harm. */
const keysAtOnce = 16

/** After so few bytes as this the next ones are taken for small as well: a request costs more than they do. */
const little = 64 * 1024
const littleKeysAtOnce = 48

const readChunk = Effect.fnUntraced(function* (
  consul: Consul["Type"],
  chunk: ReadonlyArray<string>
): Effect.fn.Return<ReadonlyArray<ReadEntry>, ApiError> {
  const keys = [...chunk]
  // A key that can't be had rolls all of them back: each try leaves out at least one.
  while (keys.length > 0) {
    const result = yield* consul.transaction(
      keys.map((key) => TxnOp.Get({ key })),
      { consistent: true }
    )
    if (TxnResult.$is("Committed")(result)) {
      return result.results.flatMap(({ createIndex = 0, key, modifyIndex, value }) =>
        value === undefined ? [] : [{ key, value, createIndex, modifyIndex }]
      )
    }
    for (const at of result.errors.map(({ opIndex }) => opIndex).toSorted((a, b) => b - a)) keys.splice(at, 1)
    if (result.errors.length === 0) break
  }
  return []
})

/** Keys whose index is another one than it was, or that are gone: found without reading any value. */
export const changedKeys = (
  consul: Consul["Type"],
  known: ReadonlyArray<KnownKey>
): Effect.Effect<ReadonlyArray<string>, ApiError> =>
  // One request needs no fiber of its own, and whoever asks again and again has one chunk each time.
  known.length <= checksAtOnce
    ? changedOf(consul, known)
    : Effect.map(
        Effect.forEach(Arr.chunksOf(known, checksAtOnce), (chunk) => changedOf(consul, chunk), { concurrency: 2 }),
        (found) => [...new Set(found.flat())]
      )

interface KnownKey {
  readonly key: string
  readonly index: number
}

const changedOf = (
  consul: Consul["Type"],
  known: ReadonlyArray<KnownKey>
): Effect.Effect<ReadonlyArray<string>, ApiError> =>
  Effect.map(
    consul.transaction(
      known.map(({ index, key }) => TxnOp.CheckIndex({ key, index })),
      { consistent: true }
    ),
    (result) =>
      TxnResult.$is("Committed")(result)
        ? []
        : result.errors.flatMap(({ kind, opIndex }) =>
            // What may not be read any more is no news of it.
            kind === "denied" ? [] : Option.toArray(Option.map(Arr.get(known, opIndex), ({ key }) => key))
          )
  )

/**
 * Those of the keys that aren't there, found many to a request. A key that may not be read is none of them: what Consul keeps
 * from a token it leaves out of the answer, and says of no key that it doesn't exist unless it doesn't.
 */
export const missingKeys = (
  consul: Consul["Type"],
  keys: ReadonlyArray<string>
): Effect.Effect<ReadonlyArray<string>, ApiError> =>
  Effect.map(
    Effect.forEach(
      Arr.chunksOf(keys, keysAtOnce),
      (chunk) =>
        Effect.map(
          consul.transaction(
            chunk.map((key) => TxnOp.Get({ key })),
            { consistent: true }
          ),
          (result) =>
            TxnResult.$is("Committed")(result)
              ? []
              : result.errors.flatMap(({ kind, opIndex }) =>
                  kind === "exists" ? chunk.slice(opIndex, opIndex + 1) : []
                )
        ),
      { concurrency: 2 }
    ),
    (found) => found.flat()
  )

/** Consul's limit for one transaction. */
const checksAtOnce = 64
