import {
  maxTransactionBytes,
  maxTransactionOps,
  transactionSize,
  type TxnErrorKind,
  type TxnOp,
  TxnResult
} from "../../src/consul/Transaction.ts"
import { fromBase64, toBase64 } from "../../src/consul/Value.ts"
import type { ConsulReply, TxnOp as StoredOp } from "../../src/embedded/consul/ConsulCommand.ts"

/** Why a transaction is not even sent, if it isn't. */
export const transactionFault = (ops: ReadonlyArray<TxnOp>): string | undefined => {
  if (ops.length > maxTransactionOps) return `more than ${maxTransactionOps} operations`
  return transactionSize(ops) > maxTransactionBytes ? `more than ${maxTransactionBytes} bytes` : undefined
}

/** An operation as Consul's state machine takes it. */
export const encodeTransaction = (op: TxnOp): StoredOp => ({
  verb: verbs[op._tag],
  key: op.key,
  value: "value" in op ? toBase64(op.value) : "",
  flags: "flags" in op && op.flags !== undefined ? String(op.flags) : "0",
  index: "index" in op ? op.index : 0,
  session: "session" in op ? op.session : ""
})

export const transactionResult = (ops: ReadonlyArray<TxnOp>, reply: ConsulReply): TxnResult => {
  if (reply._tag === "TxnDone") {
    return TxnResult.Committed({
      results: reply.results.map(({ createIndex, key, modifyIndex, value }) =>
        value === null ? { key, modifyIndex } : { key, modifyIndex, createIndex, value: fromBase64(value) }
      )
    })
  }
  const errors = reply._tag === "TxnFailed" ? reply.errors : [{ opIndex: 0, what: JSON.stringify(reply) }]
  return TxnResult.RolledBack({
    errors: errors.map(({ opIndex, what }) => ({ opIndex, what, kind: kindOf(ops[opIndex]) }))
  })
}

const verbs = {
  Set: "set",
  Cas: "cas",
  Delete: "delete",
  DeleteCas: "delete-cas",
  CheckIndex: "check-index",
  CheckSession: "check-session",
  CheckNotExists: "check-not-exists",
  Get: "get",
  Lock: "lock",
  Unlock: "unlock"
} as const satisfies Record<TxnOp["_tag"], string>

const kindOf = (op: TxnOp | undefined): TxnErrorKind => {
  switch (op?._tag) {
    case "Cas":
    case "DeleteCas":
    case "CheckIndex":
    case "Lock":
      return "stale"
    case "CheckSession":
    case "Unlock":
      return "session"
    case "CheckNotExists":
    case "Get":
      return "exists"
    default:
      return "other"
  }
}
