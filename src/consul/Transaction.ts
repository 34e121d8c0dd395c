import { Data } from "effect"

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
}

export type TxnResult = Data.TaggedEnum<{
  /** In the order of the operations, without those that leave nothing behind: deletions and `CheckNotExists`. */
  Committed: { readonly results: ReadonlyArray<TxnEntry> }
  /** Nothing was done. One error for each operation that failed. */
  RolledBack: { readonly errors: ReadonlyArray<TxnError> }
}>
export const TxnResult = Data.taggedEnum<TxnResult>()
