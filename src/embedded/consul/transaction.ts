import type { ConsulReply, TxnError, TxnOp, TxnResult } from "./ConsulCommand.ts"
import type { KvEntry } from "./ConsulState.ts"
import { type Draft, Refusal } from "./Draft.ts"
import { deleteKey, deleteKeyIf, deleteTree, isDelayed, lockKey, putKey, putKeyIf, unlockKey } from "./kvCommands.ts"
import { valuesUnder } from "./SortedMap.ts"

/** Whether a transaction only reads: Consul answers such a one with the fields of a query besides. */
export const isReadOnly = (ops: ReadonlyArray<TxnOp>): boolean => ops.every((op) => !writingVerbs.has(op.verb))

/**
 * Applies all operations or none: on failure the caller throws the draft away. Every failing operation is named; what
 * can be refused beforehand (no key, lock delay) is, without a look at the others.
 */
export const applyTransaction = (draft: Draft, ops: ReadonlyArray<TxnOp>): ConsulReply => {
  const early = ops.flatMap((op, opIndex) => {
    const what = refusedBeforehand(draft, op)
    return what === undefined ? [] : [{ opIndex, what }]
  })
  if (early.length > 0) return { _tag: "TxnFailed", errors: early }
  const results: Array<TxnResult> = []
  const errors: Array<TxnError> = []
  for (const [opIndex, op] of ops.entries()) {
    try {
      for (const result of applyOp(draft, op)) results.push(result)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      errors.push({ opIndex, what: error.message })
    }
  }
  return errors.length > 0 ? { _tag: "TxnFailed", errors } : { _tag: "TxnDone", results }
}

const writingVerbs = new Set(["set", "cas", "lock", "unlock", "delete", "delete-cas", "delete-tree"])

const refusedBeforehand = (draft: Draft, op: TxnOp): string | undefined => {
  if (op.key === "" && op.verb !== "delete-tree") return "Must provide key"
  return op.verb === "lock" && isDelayed(draft, op.key)
    ? `failed to lock key ${quote(op.key)} due to lock delay`
    : undefined
}

type Verb = (draft: Draft, op: TxnOp) => ReadonlyArray<TxnResult>

const applyOp: Verb = (draft, op) => {
  const verb = verbs.get(op.verb)
  if (verb === undefined) throw new Refusal(`unknown KV verb ${quote(op.verb)}`)
  return verb(draft, op)
}

const verbs: ReadonlyMap<string, Verb> = new Map<string, Verb>([
  ["set", (draft, op) => hidden(putKey(draft, op))],
  ["cas", (draft, op) => hidden(required(putKeyIf(draft, op, op.index), `failed to set key ${stale(op)}`))],
  ["lock", (draft, op) => hidden(required(lockKey(draft, op, op.session), lockHeld(op)))],
  [
    "unlock",
    (draft, op) =>
      hidden(
        required(
          unlockKey(draft, op, op.session),
          `failed to unlock key ${quote(op.key)}, lock isn't held, or is held by another session`
        )
      )
  ],
  ["get", (draft, op) => [required(draft.entry(op.key), `key ${quote(op.key)} doesn't exist`)]],
  ["get-tree", (draft, op) => valuesUnder(draft.state.kv, op.key)],
  [
    "delete",
    (draft, op) => {
      deleteKey(draft, op.key)
      return []
    }
  ],
  [
    "delete-cas",
    (draft, op) => {
      if (!deleteKeyIf(draft, op.key, op.index)) throw new Refusal(`failed to delete key ${stale(op)}`)
      return []
    }
  ],
  [
    "delete-tree",
    (draft, op) => {
      deleteTree(draft, op.key)
      return []
    }
  ],
  [
    "check-session",
    (draft, op) => {
      const entry = required(draft.entry(op.key), `failed to check session, key ${quote(op.key)} doesn't exist`)
      if (entry.session === op.session) return hidden(entry)
      throw new Refusal(
        `failed session check for key ${quote(op.key)}, current session ${quote(entry.session)} != ${quote(op.session)}`
      )
    }
  ],
  [
    "check-index",
    (draft, op) => {
      const entry = required(draft.entry(op.key), `failed to check index, key ${quote(op.key)} doesn't exist`)
      if (entry.modifyIndex === op.index) return hidden(entry)
      throw new Refusal(
        `failed index check for key ${quote(op.key)}, current modify index ${entry.modifyIndex} != ${op.index}`
      )
    }
  ],
  [
    "check-not-exists",
    (draft, op) => {
      if (draft.entry(op.key) !== undefined) throw new Refusal(`key ${quote(op.key)} exists`)
      return []
    }
  ]
])

const required = (entry: KvEntry | undefined, why: string): KvEntry => {
  if (entry === undefined) throw new Refusal(why)
  return entry
}

const hidden = (entry: KvEntry): ReadonlyArray<TxnResult> => [{ ...entry, value: null }]

const quote = (text: string): string => JSON.stringify(text)

const stale = (op: TxnOp): string => `${quote(op.key)}, index is stale`

const lockHeld = (op: TxnOp): string => `failed to lock key ${quote(op.key)}, lock is already held`
