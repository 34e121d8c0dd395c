import type { ConsulState, KvEntry } from "./ConsulState.ts"
import { eachUnder, getKey, maxIndexUnder, valuesUnder } from "./SortedMap.ts"

/** What was found, and the index that a blocking query waits beyond. Never 0, which would not block. */
export interface Found<A> {
  readonly index: number
  readonly value: A
}

/** A key that doesn't exist has the index of the whole store. */
export const findKey = (state: ConsulState, key: string): Found<KvEntry | undefined> => {
  const entry = getKey(state.kv, key)
  return { index: entry?.modifyIndex ?? atLeastOne(storeIndex(state)), value: entry }
}

export const findTree = (state: ConsulState, prefix: string): Found<ReadonlyArray<KvEntry>> => ({
  index: treeIndex(state, prefix),
  value: valuesUnder(state.kv, prefix)
})

/** With a separator, what lies beyond its first occurrence after the prefix is folded into one name. */
export const findKeys = (state: ConsulState, prefix: string, separator: string): Found<ReadonlyArray<string>> => {
  const keys: Array<string> = []
  eachUnder(state.kv, prefix, (_, key) => {
    const at = separator === "" ? -1 : key.indexOf(separator, prefix.length)
    const name = at < 0 ? key : key.slice(0, at + separator.length)
    if (at < 0 || keys.at(-1) !== name) keys.push(name)
  })
  return { index: treeIndex(state, prefix), value: keys }
}

/**
 * The highest change or deletion under the prefix; where there never was one, or it is long ago, the whole store's. In
 * O(log n), so that a blocking query can be looked at without reading what it watches.
 */
export const treeIndex = (state: ConsulState, prefix: string): number => {
  const own = prefix === "" ? 0 : Math.max(maxIndexUnder(state.kv, prefix), maxIndexUnder(state.tombstones, prefix))
  return atLeastOne(own === 0 ? storeIndex(state) : own)
}

const storeIndex = (state: ConsulState): number => Math.max(state.tables.kv, state.tables.tombstones)

const atLeastOne = (index: number): number => Math.max(index, 1)
