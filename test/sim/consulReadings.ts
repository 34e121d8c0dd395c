import { Option } from "effect"
import type { Indexed, KvEntry } from "../../src/consul/Consul.ts"
import { fromBase64 } from "../../src/consul/Value.ts"
import type { ConsulState, KvEntry as StoredEntry } from "../../src/embedded/consul/ConsulState.ts"
import { findKey, findKeys, findTree, treeIndex } from "../../src/embedded/consul/kvQueries.ts"

/** One way to look at Consul's state. */
export interface Reading<A> {
  readonly what: string
  /** What a blocking query waits beyond. */
  readonly index: (state: ConsulState) => number
  readonly answer: (state: ConsulState) => A
  /** Tells two answers apart, without their values. */
  readonly fingerprint: (state: ConsulState) => unknown
}

export const keyReading = (key: string): Reading<Option.Option<KvEntry>> => ({
  what: `get ${key}`,
  index: (state) => findKey(state, key).index,
  answer: (state) => Option.map(Option.fromNullable(findKey(state, key).value), entryOf),
  fingerprint: (state) => findKey(state, key).value?.modifyIndex ?? 0
})

export const listReading = (prefix: string): Reading<Indexed<ReadonlyArray<KvEntry>>> => ({
  what: `list ${prefix}`,
  index: (state) => treeIndex(state, prefix),
  answer: (state) => {
    const { index, value } = findTree(state, prefix)
    return { index, value: value.map(entryOf) }
  },
  fingerprint: (state) => findTree(state, prefix).value.map(({ key, modifyIndex }) => [key, modifyIndex])
})

export const keysReading = (prefix: string, separator = ""): Reading<Indexed<ReadonlyArray<string>>> => ({
  what: `keys ${prefix}`,
  index: (state) => treeIndex(state, prefix),
  answer: (state) => findKeys(state, prefix, separator),
  fingerprint: (state) => findKeys(state, prefix, separator)
})

/** One client entry for each stored one, so that what is derived from it once is known the next time. */
const entryOf = (stored: StoredEntry): KvEntry => {
  const known = entries.get(stored)
  if (known !== undefined) return known
  const entry: KvEntry = {
    key: stored.key,
    value: fromBase64(stored.value),
    createIndex: stored.createIndex,
    modifyIndex: stored.modifyIndex,
    lockIndex: stored.lockIndex,
    flags: Number(stored.flags),
    ...(stored.session === "" ? {} : { session: stored.session })
  }
  entries.set(stored, entry)
  return entry
}

const entries = new WeakMap<StoredEntry, KvEntry>()
