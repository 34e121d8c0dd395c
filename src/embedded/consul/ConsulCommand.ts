import { Schema } from "effect"
import { CheckSpec, CheckStatus, type Session, ServiceSpec, SessionSpec } from "./ConsulState.ts"

/** A value to write, with what goes with it. */
const written = { key: Schema.String, value: Schema.String, flags: Schema.String }

/** One operation of a transaction. Which fields count depends on the verb, as on the wire. */
export const TxnOp = Schema.Struct({
  verb: Schema.String,
  ...written,
  index: Schema.Number,
  session: Schema.String
})
export type TxnOp = typeof TxnOp.Type

/** All that changes the state, as it is applied, kept in the journal, and replayed. Ids come from outside. */
export const ConsulCommand = Schema.Union(
  /** `cas` 0: only if the key doesn't exist. */
  Schema.TaggedStruct("KvPut", { ...written, cas: Schema.optional(Schema.Number) }),
  Schema.TaggedStruct("KvAcquire", { ...written, session: Schema.String }),
  Schema.TaggedStruct("KvRelease", { ...written, session: Schema.String }),
  Schema.TaggedStruct("KvDelete", { key: Schema.String, cas: Schema.optional(Schema.Number) }),
  Schema.TaggedStruct("KvDeleteTree", { prefix: Schema.String }),
  Schema.TaggedStruct("Txn", { ops: Schema.Array(TxnOp) }),
  Schema.TaggedStruct("TombstonesReap", { until: Schema.Number }),
  Schema.TaggedStruct("SessionCreate", { session: SessionSpec }),
  Schema.TaggedStruct("SessionRenew", { id: Schema.String }),
  Schema.TaggedStruct("SessionDestroy", { id: Schema.String }),
  /** The agent's start: its node, Consul's own service, and `serfHealth`. */
  Schema.TaggedStruct("NodeRegister", {
    id: Schema.String,
    name: Schema.String,
    address: Schema.String,
    version: Schema.String
  }),
  /** `replaceChecks`: those that it has and that are not named go. */
  Schema.TaggedStruct("ServiceRegister", {
    service: ServiceSpec,
    checks: Schema.Array(CheckSpec),
    replaceChecks: Schema.Boolean
  }),
  Schema.TaggedStruct("ServiceDeregister", { id: Schema.String }),
  Schema.TaggedStruct("CheckRegister", { check: CheckSpec }),
  Schema.TaggedStruct("CheckDeregister", { id: Schema.String }),
  /** A heartbeat, a probe's result, or a heartbeat that didn't come (`expired`). */
  Schema.TaggedStruct("CheckUpdate", {
    id: Schema.String,
    status: CheckStatus,
    output: Schema.String,
    from: Schema.Literal("heartbeat", "probe", "expired", "serf")
  }),
  /** The catalog takes over an output that alone had changed. */
  Schema.TaggedStruct("CheckSync", { id: Schema.String }),
  /** After a restart every TTL runs anew, as after a change of Consul's leader. */
  Schema.TaggedStruct("Resume", {})
)
export type ConsulCommand = typeof ConsulCommand.Type

export interface TxnResult {
  readonly key: string
  /** `null`: not shown, as for what was written. */
  readonly value: string | null
  readonly flags: string
  readonly lockIndex: number
  readonly session: string
  readonly createIndex: number
  readonly modifyIndex: number
}

export interface TxnError {
  readonly opIndex: number
  readonly what: string
}

/** What a command is answered. */
export type ConsulReply =
  | { readonly _tag: "Done"; readonly ok: boolean }
  | { readonly _tag: "Refused"; readonly why: string }
  | { readonly _tag: "TxnDone"; readonly results: ReadonlyArray<TxnResult> }
  | { readonly _tag: "TxnFailed"; readonly errors: ReadonlyArray<TxnError> }
  | { readonly _tag: "SessionFound"; readonly session: Session }
  | { readonly _tag: "SessionMissing" }
