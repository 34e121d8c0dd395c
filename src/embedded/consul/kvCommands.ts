import { HashMap, Option } from "effect"
import type { KvEntry, Tombstone } from "./ConsulState.ts"
import { type Draft, Refusal } from "./Draft.ts"
import { eachUnder, removeKey, setKey } from "./SortedMap.ts"

/** What a write wants a key to hold. */
export interface Wanted {
  readonly key: string
  readonly value: string
  readonly flags: string
}

/** A plain write. It keeps the holder, since locks are advisory, but forgets how often the key was locked. */
export const putKey = (draft: Draft, wanted: Wanted): KvEntry =>
  write(draft, wanted, { lockIndex: 0, session: draft.entry(wanted.key)?.session ?? "" })

/** Writes only over that index; 0: only a key that doesn't exist. */
export const putKeyIf = (draft: Draft, wanted: Wanted, index: number): KvEntry | undefined =>
  (draft.entry(wanted.key)?.modifyIndex ?? 0) === index ? putKey(draft, wanted) : undefined

/** `undefined`: another session holds the key. */
export const lockKey = (draft: Draft, wanted: Wanted, session: string): KvEntry | undefined => {
  if (session === "") throw new Refusal("missing session")
  checkUuid(session)
  if (draft.session(session) === undefined) throw new Refusal(`invalid session ${JSON.stringify(session)}`)
  const held = draft.entry(wanted.key)
  if (held === undefined) return write(draft, wanted, { lockIndex: 1, session })
  if (held.session === session) return write(draft, wanted, { lockIndex: held.lockIndex, session })
  return held.session === "" ? write(draft, wanted, { lockIndex: held.lockIndex + 1, session }) : undefined
}

/** `undefined`: this session doesn't hold the key. */
export const unlockKey = (draft: Draft, wanted: Wanted, session: string): KvEntry | undefined => {
  if (session === "") throw new Refusal("missing session")
  const held = draft.entry(wanted.key)
  return held?.session === session ? write(draft, wanted, { lockIndex: held.lockIndex, session: "" }) : undefined
}

/** Whether the key can't be locked yet, since the session that held it was lost a moment ago. */
export const isDelayed = (draft: Draft, key: string): boolean =>
  Option.getOrElse(HashMap.get(draft.state.lockDelays, key), () => 0) > draft.now

export const deleteKey = (draft: Draft, key: string): void => {
  const held = draft.entry(key)
  if (held === undefined) return
  draft.dropEntry(held)
  bury(draft, key)
}

/** Deletes only at that index; 0 matches nothing. A key that doesn't exist counts as deleted. */
export const deleteKeyIf = (draft: Draft, key: string, index: number): boolean => {
  const held = draft.entry(key)
  if (held === undefined) return true
  if (held.modifyIndex !== index) return false
  deleteKey(draft, key)
  return true
}

/** One tombstone stands for the whole tree; none for the whole store, whose index is its table's. */
export const deleteTree = (draft: Draft, prefix: string): void => {
  const doomed: Array<KvEntry> = []
  eachUnder(draft.state.kv, prefix, (entry) => doomed.push(entry))
  for (const entry of doomed) draft.dropEntry(entry)
  if (doomed.length > 0 && prefix !== "") bury(draft, prefix)
}

/** Forgets old deletions. The index of a prefix may go back then; its watchers are not woken. */
export const reapTombstones = (draft: Draft, until: number): void => {
  const old: Array<string> = []
  eachUnder(draft.state.tombstones, "", (tombstone: Tombstone, key) => {
    if (tombstone.expiresAt <= until) old.push(key)
  })
  for (const key of old) draft.patch({ tombstones: removeKey(draft.state.tombstones, key) })
  draft.durable ||= old.length > 0
}

/** Text of Consul's index lookup, which takes the whole id only. */
export const checkUuid = (id: string): void => {
  if (id.length !== 36) throw new Refusal("failed session lookup: index error: UUID must be 36 characters")
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id))
    throw new Refusal("failed session lookup: index error: Invalid UUID")
}

const tombstoneTtlMs = 15 * 60_000
/** Tombstones are reaped in bunches of this many ms. */
const tombstoneGranularityMs = 30_000

const bury = (draft: Draft, key: string): void => {
  const expiresAt = Math.ceil((draft.now + tombstoneTtlMs) / tombstoneGranularityMs) * tombstoneGranularityMs
  draft.patch({ tombstones: setKey(draft.state.tombstones, key, { modifyIndex: draft.index, expiresAt }) })
  draft.touch("tombstones")
  draft.lookAgainAt(expiresAt)
}

/** Writes unless nothing would change: the same value again keeps the index and wakes nobody. */
const write = (
  draft: Draft,
  { key, value, flags }: Wanted,
  { lockIndex, session }: { readonly lockIndex: number; readonly session: string }
): KvEntry => {
  const held = draft.entry(key)
  const same =
    held !== undefined &&
    held.value === value &&
    held.flags === flags &&
    held.lockIndex === lockIndex &&
    held.session === session
  if (same) return held
  const entry: KvEntry = {
    key,
    value,
    flags,
    lockIndex,
    session,
    createIndex: held?.createIndex ?? draft.index,
    modifyIndex: draft.index
  }
  draft.putEntry(entry)
  return entry
}
