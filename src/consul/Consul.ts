// Consul is spoken over src/http/Transport.ts, not through the `consul` package: that one is no longer maintained, can't be
// cancelled by a signal, and never settles when a body is cut.
import { Context, type Effect, type Option, type Stream } from "effect"
import type { ApiError } from "../http/ApiError.ts"
import type { TokenView } from "./Acl.ts"
import type { AgentSelf, CheckDefinition, CheckStatus, ServiceDefinition } from "./Agent.ts"
import type { ServiceInstance } from "./Catalog.ts"
import type { ReadOptions } from "./ReadOptions.ts"
import type { SessionInfo, SessionOptions } from "./Session.ts"
import type { TxnOp, TxnResult } from "./Transaction.ts"

/** One key as Consul holds it. Indexes are those of Consul's own log: they grow with every change, cluster-wide. */
export interface KvEntry {
  readonly key: string
  /** Empty when the key has no value: Consul makes no difference. */
  readonly value: Uint8Array
  readonly createIndex: number
  /** What `putCas` and `deleteCas` compare. Writing the same value again doesn't change it. */
  readonly modifyIndex: number
  /** How often the key was acquired. A plain put on a held key sets it to 0. */
  readonly lockIndex: number
  readonly flags: number
  /** Who holds the key. Locks are advisory: a plain put by anybody succeeds all the same. */
  readonly session?: string
}

/** An answer with the index that it is as new as. It can go back: Consul forgets deletions after a while. */
export interface Indexed<A> {
  readonly index: number
  readonly value: A
}

/** Every call has a deadline of its own and closes its connection when it is interrupted. */
export class Consul extends Context.Tag("jobforge/consul/Consul")<
  Consul,
  {
    /** None only for an answer that the key isn't there; a key that the token may not read is `Denied`. */
    readonly get: (key: string, options?: ReadOptions) => Effect.Effect<Option.Option<KvEntry>, ApiError>
    /** What lies under the prefix and the token may read: keys that it may not are missing without a word. */
    readonly list: (prefix: string, options?: ReadOptions) => Effect.Effect<Indexed<ReadonlyArray<KvEntry>>, ApiError>
    /** Names only, with `list`'s silence about denied ones; with a separator, names are cut after its first occurrence. */
    readonly keys: (prefix: string, separator?: string) => Effect.Effect<Indexed<ReadonlyArray<string>>, ApiError>
    /** Up to 512 KiB, else `Invalid`. */
    readonly put: (key: string, value: string | Uint8Array) => Effect.Effect<void, ApiError>
    /** Writes if the key is still at this `modifyIndex`; 0: if it doesn't exist. `false`: it wasn't so. */
    readonly putCas: (key: string, value: string | Uint8Array, index: number) => Effect.Effect<boolean, ApiError>
    /** Succeeds for a missing key too. */
    readonly delete: (key: string) => Effect.Effect<void, ApiError>
    readonly deleteTree: (prefix: string) => Effect.Effect<void, ApiError>
    /** `true` also for a missing key; index 0 is always `false`. */
    readonly deleteCas: (key: string, index: number) => Effect.Effect<boolean, ApiError>
    /**
     * Writes the value and takes the lock; the holder may repeat it. `false`: another holds it, or its lock delay runs.
     * A session that is unknown or has ended is `Conflict`.
     */
    readonly acquire: (key: string, value: string | Uint8Array, session: string) => Effect.Effect<boolean, ApiError>
    /** `false`: the session doesn't hold it. Consul writes a value with it: the empty one unless one is given. */
    readonly release: (key: string, session: string, value?: string | Uint8Array) => Effect.Effect<boolean, ApiError>
    /** All or nothing. Over the limits of `Transaction.ts` it is `Invalid` and not sent. Options are for one that only reads. */
    readonly transaction: (ops: ReadonlyArray<TxnOp>, options?: ReadOptions) => Effect.Effect<TxnResult, ApiError>

    /**
     * Each state of the names under a prefix, starting with the present one. It wakes for changed values too, so equal
     * lists with a new index follow each other. States between two readings are skipped.
     *
     * The watches never end: outages are waited out (and logged once), a lost index starts again from the present state.
     * A prefix that the token may not read looks like an empty one, so a name that is missing is no proof of a deletion:
     * that is a consistent `get` which answers none.
     */
    readonly watchKeys: (prefix: string) => Stream.Stream<Indexed<ReadonlyArray<string>>>
    /** `watchKeys` with the values: every change brings the whole prefix again. */
    readonly watchList: (prefix: string) => Stream.Stream<Indexed<ReadonlyArray<KvEntry>>>
    /** Single keys tell denied from deleted: a denied one is an outage. */
    readonly watchKey: (key: string) => Stream.Stream<Indexed<Option.Option<KvEntry>>>

    /** The id of a new session. A check that it is bound to must exist and not be critical, else `Conflict`. */
    readonly createSession: (options: SessionOptions) => Effect.Effect<string, ApiError>
    /** `NotFound` when it has ended, which Consul may do up to twice the TTL after the last renewal. */
    readonly renewSession: (id: string) => Effect.Effect<SessionInfo, ApiError>
    /** Succeeds for an unknown one too. What it held stays barred for its lock delay. */
    readonly destroySession: (id: string) => Effect.Effect<void, ApiError>
    readonly sessionInfo: (id: string) => Effect.Effect<Option.Option<SessionInfo>, ApiError>

    readonly agentSelf: () => Effect.Effect<AgentSelf, ApiError>
    /** The same definition again keeps its state. A new TTL check is critical until its first update, unless told otherwise. */
    readonly registerCheck: (check: CheckDefinition) => Effect.Effect<void, ApiError>
    /** Succeeds for an unknown one too. */
    readonly deregisterCheck: (id: string) => Effect.Effect<void, ApiError>
    /** `NotFound` when this agent has no TTL check of that id, after its restart for instance. */
    readonly updateTtlCheck: (id: string, status: CheckStatus, output?: string) => Effect.Effect<void, ApiError>
    /** Replaces a service of the same id, with its checks. */
    readonly registerService: (service: ServiceDefinition) => Effect.Effect<void, ApiError>
    /** Succeeds for an unknown one too. */
    readonly deregisterService: (id: string) => Effect.Effect<void, ApiError>

    /** Empty for an unknown service. */
    readonly healthService: (
      name: string,
      passingOnly: boolean
    ) => Effect.Effect<ReadonlyArray<ServiceInstance>, ApiError>
    /** Tags by service name. */
    readonly catalogServices: () => Effect.Effect<Readonly<Record<string, ReadonlyArray<string>>>, ApiError>
    /** Whom the token in use stands for; `Denied` for an unknown one, and where Consul's ACLs are switched off. */
    readonly tokenSelf: () => Effect.Effect<TokenView, ApiError>
    /** Raft address of the leader; `Unavailable` while there is none. */
    readonly leader: () => Effect.Effect<string, ApiError>
  }
>() {}
