import { HashMap } from "effect"
import type { ConsulReply } from "./ConsulCommand.ts"
import type { Session, SessionSpec } from "./ConsulState.ts"
import { type Draft, heldBy, Refusal } from "./Draft.ts"
import { checkUuid, deleteKey } from "./kvCommands.ts"
import { formatGoDuration } from "../http/goDuration.ts"
import { getKey, removeKey, setKey, valuesUnder } from "./SortedMap.ts"

export const createSession = (draft: Draft, spec: SessionSpec): void => {
  if (spec.ttlMs !== 0 && (spec.ttlMs < minTtlMs || spec.ttlMs > maxTtlMs)) {
    const limits = `[${formatGoDuration(minTtlMs)}=${formatGoDuration(maxTtlMs)}]`
    throw new Refusal(`Invalid Session TTL '${Math.round(spec.ttlMs * 1e6)}', must be between ${limits}`)
  }
  if (spec.node !== draft.state.node?.name) throw new Refusal("Missing node registration")
  for (const id of boundChecks(spec)) {
    const check = getKey(draft.state.checks, id)
    if (check === undefined) throw new Refusal(`Missing check '${id}' registration`)
    if (check.status === "critical") throw new Refusal(`Check '${id}' is in critical state`)
  }
  const session: Session = {
    ...spec,
    createIndex: draft.index,
    modifyIndex: draft.index,
    expiresAt: expiry(spec.ttlMs, draft.now)
  }
  store(draft, session)
  changed(draft, session.id)
}

/** Renewing moves no index and wakes nobody. */
export const renewSession = (draft: Draft, id: string): ConsulReply => {
  checkUuid(id)
  const session = draft.session(id)
  if (session === undefined) return { _tag: "SessionMissing" }
  if (session.ttlMs !== 0) store(draft, { ...session, expiresAt: expiry(session.ttlMs, draft.now) })
  return { _tag: "SessionFound", session }
}

/** Ends a session however it ends: its locks are released or their keys deleted, and held back by the lock delay. */
export const destroySession = (draft: Draft, id: string): void => {
  const session = draft.session(id)
  if (session === undefined) return
  const keys = [...heldBy(draft.state.held, id)].toSorted()
  for (const key of keys) {
    const entry = draft.entry(key)
    if (entry === undefined) continue
    if (session.behavior === "delete") deleteKey(draft, key)
    else draft.putEntry({ ...entry, session: "", modifyIndex: draft.index })
    delay(draft, key, Math.min(session.lockDelayMs, maxLockDelayMs))
  }
  draft.patch({ sessions: removeKey(draft.state.sessions, id), held: HashMap.remove(draft.state.held, id) })
  changed(draft, id)
}

/** What dies with a check that goes critical or away. */
export const destroySessionsOf = (draft: Draft, checkId: string): void => {
  for (const session of valuesUnder(draft.state.sessions))
    if (boundChecks(session).includes(checkId)) destroySession(draft, session.id)
}

/** Every TTL runs anew, as when another server of Consul takes over. */
export const resumeSessions = (draft: Draft): void => {
  for (const session of valuesUnder(draft.state.sessions))
    if (session.ttlMs !== 0) store(draft, { ...session, expiresAt: expiry(session.ttlMs, draft.now) })
}

const minTtlMs = 10_000
const maxTtlMs = 24 * 3_600_000
const maxLockDelayMs = 60_000

/** Consul gives a session twice its TTL. */
const expiry = (ttlMs: number, now: number): number => (ttlMs === 0 ? 0 : now + 2 * ttlMs)

const boundChecks = (spec: SessionSpec): ReadonlyArray<string> => [
  ...spec.nodeChecks,
  ...(spec.serviceChecks ?? []),
  ...spec.olderChecks
]

const store = (draft: Draft, session: Session): void => {
  draft.patch({ sessions: setKey(draft.state.sessions, session.id, session) })
  draft.lookAgainAt(session.expiresAt)
}

const changed = (draft: Draft, id: string): void => {
  draft.touch("sessions")
  draft.topics.add(`session:${id}`)
}

const delay = (draft: Draft, key: string, ms: number): void => {
  if (ms <= 0) return
  let delays = draft.state.lockDelays
  if (HashMap.size(delays) > 1000) delays = HashMap.filter(delays, (until) => until > draft.now)
  draft.patch({ lockDelays: HashMap.set(delays, key, draft.now + ms) })
}
