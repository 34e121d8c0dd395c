import {
  deregisterCheck,
  deregisterService,
  registerCheck,
  registerNode,
  registerService,
  resumeChecks,
  syncCheck,
  updateCheck
} from "./catalogCommands.ts"
import type { ConsulCommand, ConsulReply } from "./ConsulCommand.ts"
import type { ConsulState } from "./ConsulState.ts"
import { Draft, Refusal } from "./Draft.ts"
import {
  checkUuid,
  deleteKey,
  deleteKeyIf,
  deleteTree,
  isDelayed,
  lockKey,
  putKey,
  putKeyIf,
  reapTombstones,
  unlockKey
} from "./kvCommands.ts"
import { createSession, destroySession, renewSession, resumeSessions } from "./sessionCommands.ts"
import { applyTransaction } from "./transaction.ts"

/** What a command did. */
export interface Applied {
  /** The very same object when nothing changed. */
  readonly state: ConsulState
  readonly reply: ConsulReply
  /** Keys that were written or deleted. */
  readonly keys: ReadonlyArray<string>
  /** What else changed: `nodes`, `services`, `checks`, `sessions`, `session:<id>`, `service:<name>`. */
  readonly topics: ReadonlySet<string>
  /**
   * Whether a replay needs the command. A renewal or a heartbeat that changes no status moves time-outs only, which
   * run anew after a restart.
   */
  readonly durable: boolean
}

/**
 * Consul's state machine: the same command on the same state at the same time (ms) always does the same. A command
 * that is refused, or a transaction that fails, changes nothing.
 */
export const applyCommand = (state: ConsulState, command: ConsulCommand, now: number): Applied => {
  const draft = new Draft(state, now)
  const reply = run(draft, command)
  if (reply._tag === "Refused" || reply._tag === "TxnFailed") {
    return { state, reply, keys: [], topics: new Set(), durable: false }
  }
  return {
    state: draft.state,
    reply,
    keys: draft.keys,
    topics: draft.topics,
    durable: draft.durable || draft.state.index !== state.index
  }
}

const run = (draft: Draft, command: ConsulCommand): ConsulReply => {
  try {
    return isKv(command) ? runKv(draft, command) : runOther(draft, command)
  } catch (error) {
    if (error instanceof Refusal) return { _tag: "Refused", why: error.message }
    throw error
  }
}

type KvCommand = Extract<ConsulCommand, { readonly _tag: `Kv${string}` }>

const isKv = (command: ConsulCommand): command is KvCommand => command._tag.startsWith("Kv")

const runKv = (draft: Draft, command: KvCommand): ConsulReply => {
  switch (command._tag) {
    case "KvPut":
      if (command.cas !== undefined) return done(putKeyIf(draft, command, command.cas) !== undefined)
      putKey(draft, command)
      return done(true)
    case "KvAcquire":
      return done(!isDelayed(draft, command.key) && lockKey(draft, command, command.session) !== undefined)
    case "KvRelease":
      return done(unlockKey(draft, command, command.session) !== undefined)
    case "KvDelete":
      if (command.cas !== undefined) return done(deleteKeyIf(draft, command.key, command.cas))
      deleteKey(draft, command.key)
      return done(true)
    case "KvDeleteTree":
      deleteTree(draft, command.prefix)
      return done(true)
  }
}

const runOther = (draft: Draft, command: Exclude<ConsulCommand, KvCommand>): ConsulReply => {
  switch (command._tag) {
    case "Txn":
      return applyTransaction(draft, command.ops)
    case "SessionRenew":
      return renewSession(draft, command.id)
    case "SessionDestroy":
      checkUuid(command.id)
      destroySession(draft, command.id)
      return done(true)
    default:
      runQuiet(draft, command)
      return done(true)
  }
}

type Loud = KvCommand | Extract<ConsulCommand, { readonly _tag: "Txn" | "SessionRenew" | "SessionDestroy" }>

const runQuiet = (draft: Draft, command: Exclude<ConsulCommand, Loud>): void => {
  switch (command._tag) {
    case "TombstonesReap":
      return reapTombstones(draft, command.until)
    case "SessionCreate":
      return createSession(draft, command.session)
    case "NodeRegister":
      return registerNode(draft, command)
    case "ServiceRegister":
      return registerService(draft, command.service, command.checks, command.replaceChecks)
    case "ServiceDeregister":
      return deregisterService(draft, command.id)
    case "CheckRegister":
      return registerCheck(draft, command.check)
    case "CheckDeregister":
      return deregisterCheck(draft, command.id)
    case "CheckUpdate":
      return updateCheck(draft, command)
    case "CheckSync":
      return syncCheck(draft, command.id)
    case "Resume":
      resumeSessions(draft)
      return resumeChecks(draft)
  }
}

const done = (ok: boolean): ConsulReply => ({ _tag: "Done", ok })
