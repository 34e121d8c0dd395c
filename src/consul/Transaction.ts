import { Data, Effect, Predicate, Schema } from "effect"
import { type ApiError, Invalid } from "../http/ApiError.ts"
import type { HttpResponse } from "../http/Transport.ts"
import type { ReadOptions } from "./ReadOptions.ts"
import { about, type Call, type CallRequest, decodeBody } from "./Call.ts"
import { fromBase64, toBase64 } from "./Value.ts"

/** Operations that one transaction may have. Consul's limit, not configurable. */
export const maxTransactionOps = 64

/** Bytes that the encoded body of a transaction may have: `txn_max_req_len`'s default, and the most that 1.8 accepts. */
export const maxTransactionBytes = 512 * 1024

/** One operation, named after Consul's verb. The checks come before or between the writes, all see one state. */
export type TxnOp = Data.TaggedEnum<{
  Set: { readonly key: string; readonly value: string | Uint8Array; readonly flags?: number }
  /** Index 0: only if the key doesn't exist. */
  Cas: { readonly key: string; readonly value: string | Uint8Array; readonly index: number; readonly flags?: number }
  Delete: { readonly key: string }
  DeleteCas: { readonly key: string; readonly index: number }
  CheckIndex: { readonly key: string; readonly index: number }
  /** Rolls back unless this session holds the key: the fence against a leader that is one no more. */
  CheckSession: { readonly key: string; readonly session: string }
  CheckNotExists: { readonly key: string }
  /** Rolls back for a missing key. */
  Get: { readonly key: string }
  Lock: { readonly key: string; readonly value: string | Uint8Array; readonly session: string }
  /** Writes the value with it. */
  Unlock: { readonly key: string; readonly value: string | Uint8Array; readonly session: string }
}>
export const TxnOp = Data.taggedEnum<TxnOp>()

/**
 * Why an operation failed, by what the caller can do: `stale`, the key changed or a lock is taken; `session`, the
 * session doesn't hold the key or has ended; `exists`, a key is there that should not be, or the other way round;
 * `denied`, the token may not do it, and an operator must act.
 */
export type TxnErrorKind = "stale" | "session" | "exists" | "denied" | "other"

export interface TxnError {
  readonly opIndex: number
  /** Consul's own words. */
  readonly what: string
  readonly kind: TxnErrorKind
}

export interface TxnEntry {
  readonly key: string
  readonly modifyIndex: number
  /** Only what a `Get` read. */
  readonly value?: Uint8Array
  readonly createIndex?: number
}

export type TxnResult = Data.TaggedEnum<{
  /** In the order of the operations, without those that leave nothing behind: deletions and `CheckNotExists`. */
  Committed: { readonly results: ReadonlyArray<TxnEntry> }
  /** Nothing was done. One error for each operation that failed. */
  RolledBack: { readonly errors: ReadonlyArray<TxnError> }
}>
export const TxnResult = Data.taggedEnum<TxnResult>()

/** Bytes of the request body that these operations make: what `maxTransactionBytes` bounds. */
export const transactionSize = (ops: ReadonlyArray<TxnOp>): number => Buffer.byteLength(encodeOps(ops))

export const makeTransaction =
  (call: Call) =>
  (ops: ReadonlyArray<TxnOp>, options?: ReadOptions): Effect.Effect<TxnResult, ApiError> =>
    Effect.gen(function* () {
      const body = encodeOps(ops)
      const request: CallRequest = {
        operation: `${ops.every(isRead) ? "txn.read" : "txn"} of ${ops.length} on ${keysOf(ops)}`,
        method: "PUT",
        path: "/v1/txn",
        ...(options?.consistent === true ? { query: { consistent: true } } : {}),
        body,
        accept: [409]
      }
      const refuse = (detail: string) => new Invalid({ ...about(request), detail })
      if (ops.length > maxTransactionOps) return yield* refuse(`it has more than ${maxTransactionOps} operations`)
      const size = Buffer.byteLength(body)
      if (size > maxTransactionBytes) return yield* refuse(`its ${size} bytes are more than ${maxTransactionBytes}`)
      const response = yield* call(request)
      return yield* response.status === 409 ? rolledBack(request, response, ops) : committed(request, response, ops)
    })

const keysOf = (ops: ReadonlyArray<TxnOp>): string => {
  const keys = [...new Set(ops.map(({ key }) => key))]
  return keys.length <= 4 ? keys.join(", ") : `${keys.slice(0, 4).join(", ")} and ${keys.length - 4} more`
}

const encodeOps = (ops: ReadonlyArray<TxnOp>): string => JSON.stringify(ops.map((op) => ({ KV: encodeOp(op) })))

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

/** What an operation doesn't have is left out, as JSON does with what is undefined. */
const encodeOp = (op: TxnOp) => ({
  Verb: verbs[op._tag],
  Key: op.key,
  Value: "value" in op ? toBase64(op.value) : undefined,
  Flags: "flags" in op ? op.flags : undefined,
  Index: "index" in op ? op.index : undefined,
  Session: "session" in op ? op.session : undefined
})

/** One of the store's entries in an answer. */
interface Entry {
  readonly Key: string
  readonly CreateIndex: number
  readonly ModifyIndex: number
  readonly Value: string | null
}

const isEntry = (value: unknown): value is { readonly KV: Entry } => {
  const entry = Predicate.isRecord(value) ? value["KV"] : undefined
  return (
    Predicate.isRecord(entry) &&
    Predicate.isString(entry["Key"]) &&
    Predicate.isNumber(entry["CreateIndex"]) &&
    Predicate.isNumber(entry["ModifyIndex"]) &&
    (entry["Value"] === null || Predicate.isString(entry["Value"]))
  )
}

/** Looked at as a whole: a transaction may have dozens of results, and one that checks keys is made for every few reads. */
const Results = Schema.declare(
  (value: unknown): value is ReadonlyArray<{ readonly KV: Entry }> => Array.isArray(value) && value.every(isEntry),
  { identifier: "Results" }
)
const decodeAnswer = decodeBody(Schema.Struct({ Results: Schema.NullOr(Results) }))

const decodeErrors = decodeBody(
  Schema.Struct({ Errors: Schema.NonEmptyArray(Schema.Struct({ OpIndex: Schema.Number, What: Schema.String })) })
)

const isRead = ({ _tag }: TxnOp): boolean =>
  _tag === "Get" || _tag === "CheckIndex" || _tag === "CheckSession" || _tag === "CheckNotExists"

const committed = Effect.fnUntraced(function* (
  request: CallRequest,
  response: HttpResponse,
  ops: ReadonlyArray<TxnOp>
) {
  const answer = yield* decodeAnswer(request)(response)
  const entries = (answer.Results ?? []).map(({ KV }) => KV)
  const denied = ops.every(isRead) ? unanswered(ops, new Set(entries.map(({ Key }) => Key))) : []
  if (denied.length > 0) return TxnResult.RolledBack({ errors: denied })
  return TxnResult.Committed({ results: matched(ops, entries) })
})

/** The answers come in the operations' order, with gaps where an operation leaves none. */
const matched = (ops: ReadonlyArray<TxnOp>, entries: ReadonlyArray<Entry>): ReadonlyArray<TxnEntry> => {
  let next = 0
  return entries.map(({ CreateIndex, Key, ModifyIndex, Value }): TxnEntry => {
    const at = ops.findIndex((op, index) => index >= next && op.key === Key && !leavesNone(op))
    next = at + 1
    return ops[at]?._tag === "Get"
      ? { key: Key, createIndex: CreateIndex, modifyIndex: ModifyIndex, value: fromBase64(Value ?? "") }
      : { key: Key, modifyIndex: ModifyIndex }
  })
}

const leavesNone = ({ _tag }: TxnOp): boolean => _tag === "Delete" || _tag === "DeleteCas" || _tag === "CheckNotExists"

/**
 * A transaction that only reads isn't refused to a token without the right: what it may not see is left out of the
 * answer. A check that can't be seen has proved nothing, so that counts as denied.
 */
const unanswered = (ops: ReadonlyArray<TxnOp>, answered: ReadonlySet<string>): ReadonlyArray<TxnError> =>
  ops.flatMap((op, opIndex) =>
    op._tag === "CheckNotExists" || answered.has(op.key)
      ? []
      : [{ opIndex, what: `no answer about key "${op.key}": it may not be read`, kind: "denied" as const }]
  )

const rolledBack = (request: CallRequest, response: HttpResponse, ops: ReadonlyArray<TxnOp>) =>
  Effect.map(decodeErrors(request)(response), ({ Errors }) =>
    TxnResult.RolledBack({
      errors: Errors.map(({ OpIndex, What }) => ({ opIndex: OpIndex, what: What, kind: kindOf(ops[OpIndex], What) }))
    })
  )

/** Judged by the verb and the text's fixed parts, since the middle of the text is a key that a user chose. */
const expected: Readonly<Record<TxnOp["_tag"], readonly [RegExp, TxnErrorKind]>> = {
  Set: [/^$/, "other"],
  Cas: [/index is stale$/, "stale"],
  Delete: [/^$/, "other"],
  DeleteCas: [/index is stale$/, "stale"],
  CheckIndex: [/^failed (index check|to check index)/, "stale"],
  CheckSession: [/^failed (session check|to check session)/, "session"],
  CheckNotExists: [/ exists$/, "exists"],
  Get: [/ doesn't exist$/, "exists"],
  Lock: [/(lock is already held|due to lock delay)$/, "stale"],
  Unlock: [/^failed to unlock/, "session"]
}

const kindOf = (op: TxnOp | undefined, what: string): TxnErrorKind => {
  if (/^(rpc error.*: )?(permission denied|acl not found)/i.test(what)) return "denied"
  if (/^(invalid session|failed session lookup)/.test(what)) return "session"
  if (op === undefined) return "other"
  const [pattern, kind] = expected[op._tag]
  return pattern.test(what) ? kind : "other"
}
