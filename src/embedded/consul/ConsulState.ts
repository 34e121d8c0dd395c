import { HashMap, type HashSet, Schema } from "effect"
import type { SortedMap } from "./SortedMap.ts"

/** One key. Indexes are those of the commands that made and last changed it. */
export const KvEntry = Schema.Struct({
  key: Schema.String,
  /** Base64, as the wire has it. */
  value: Schema.String,
  /** An unsigned 64-bit number in decimal: `consul lock` uses one that a double can't hold. */
  flags: Schema.String,
  lockIndex: Schema.Number,
  /** Empty: nobody holds it. */
  session: Schema.String,
  createIndex: Schema.Number,
  modifyIndex: Schema.Number
})
export type KvEntry = typeof KvEntry.Type

/** What a deletion leaves behind for a while, so that the index of a prefix doesn't go back at once. */
export const Tombstone = Schema.Struct({ modifyIndex: Schema.Number, expiresAt: Schema.Number })
export type Tombstone = typeof Tombstone.Type

const sessionFields = {
  id: Schema.String,
  name: Schema.String,
  node: Schema.String,
  lockDelayMs: Schema.Number,
  behavior: Schema.Literal("release", "delete"),
  /** As it was given, since it is shown so. */
  ttl: Schema.String,
  /** 0: none. */
  ttlMs: Schema.Number,
  nodeChecks: Schema.Array(Schema.String),
  /** `null`: not given, which is shown. */
  serviceChecks: Schema.NullOr(Schema.Array(Schema.String)),
  /** The checks of `Checks`, the older name of `NodeChecks`; they count as those do. */
  olderChecks: Schema.Array(Schema.String)
}
export const SessionSpec = Schema.Struct(sessionFields)
export type SessionSpec = typeof SessionSpec.Type

export const Session = Schema.Struct({
  ...sessionFields,
  createIndex: Schema.Number,
  modifyIndex: Schema.Number,
  /** In ms; 0: never. */
  expiresAt: Schema.Number
})
export type Session = typeof Session.Type

export const CheckStatus = Schema.Literal("passing", "warning", "critical")
export type CheckStatus = typeof CheckStatus.Type

/** What is asked of a URL, how often. */
export const HttpProbe = Schema.Struct({
  url: Schema.String,
  method: Schema.String,
  headers: Schema.Record({ key: Schema.String, value: Schema.Array(Schema.String) }),
  body: Schema.String,
  intervalMs: Schema.Number,
  timeoutMs: Schema.Number,
  tlsSkipVerify: Schema.Boolean
})
export type HttpProbe = typeof HttpProbe.Type

export const CheckSpec = Schema.Struct({
  id: Schema.String,
  name: Schema.String,
  notes: Schema.String,
  /** Empty: a check of the node. */
  serviceId: Schema.String,
  /** `undefined`: the one it had, or critical. */
  status: Schema.optional(CheckStatus),
  kind: Schema.Union(
    Schema.TaggedStruct("Ttl", { ttlMs: Schema.Number }),
    Schema.TaggedStruct("Http", { probe: HttpProbe }),
    Schema.TaggedStruct("Serf", {})
  ),
  /** 0: never. */
  deregisterAfterMs: Schema.Number
})
export type CheckSpec = typeof CheckSpec.Type

/** What the catalog knows of a check, and what only the agent knows. */
export const Check = Schema.Struct({
  spec: CheckSpec,
  serviceName: Schema.String,
  serviceTags: Schema.Array(Schema.String),
  status: CheckStatus,
  output: Schema.String,
  createIndex: Schema.Number,
  modifyIndex: Schema.Number,
  /** The agent's own output. The catalog follows at once when the status changes, after 5 minutes otherwise. */
  agentOutput: Schema.String,
  /** When the catalog takes over the agent's output; 0: it has it. */
  syncAt: Schema.Number,
  /** When a TTL check goes critical; 0: never, or it is. */
  ttlDeadline: Schema.Number,
  /** When a service that stays critical goes; 0: never. */
  deregisterAt: Schema.Number
})
export type Check = typeof Check.Type

export const ServiceSpec = Schema.Struct({
  id: Schema.String,
  name: Schema.String,
  tags: Schema.Array(Schema.String),
  meta: Schema.Record({ key: Schema.String, value: Schema.String }),
  address: Schema.String,
  port: Schema.Number,
  passingWeight: Schema.Number,
  warningWeight: Schema.Number,
  enableTagOverride: Schema.Boolean
})
export type ServiceSpec = typeof ServiceSpec.Type

export const Service = Schema.Struct({
  spec: ServiceSpec,
  /** Consul's own service is in the catalog, but not among the agent's. */
  ofAgent: Schema.Boolean,
  createIndex: Schema.Number,
  modifyIndex: Schema.Number
})
export type Service = typeof Service.Type

/** The only node: the agent itself, which is the server too. */
export const ConsulNode = Schema.Struct({
  id: Schema.String,
  name: Schema.String,
  address: Schema.String,
  createIndex: Schema.Number,
  modifyIndex: Schema.Number
})
export type ConsulNode = typeof ConsulNode.Type

/** The highest index of each table; blocking queries compare theirs with these. */
export const TableIndexes = Schema.Struct({
  kv: Schema.Number,
  tombstones: Schema.Number,
  sessions: Schema.Number,
  nodes: Schema.Number,
  services: Schema.Number,
  checks: Schema.Number,
  /** When a service last lost its last instance. */
  extinction: Schema.Number
})
export type TableIndexes = typeof TableIndexes.Type

/**
 * All that Consul knows. Persistent: a change makes a new one and leaves the old one readable.
 *
 * Times are in ms and come with the commands: the state itself has no clock.
 */
export interface ConsulState {
  /** Of the last command that changed anything. */
  readonly index: number
  readonly tables: TableIndexes
  readonly kv: SortedMap<KvEntry>
  readonly tombstones: SortedMap<Tombstone>
  readonly sessions: SortedMap<Session>
  /** Which keys each session holds. */
  readonly held: HashMap.HashMap<string, HashSet.HashSet<string>>
  /** Until when a key that its holder lost can't be locked. */
  readonly lockDelays: HashMap.HashMap<string, number>
  readonly node: ConsulNode | undefined
  readonly services: SortedMap<Service>
  readonly serviceIndexes: HashMap.HashMap<string, number>
  readonly checks: SortedMap<Check>
  /**
   * No time-out lies before this one (ms): whoever drives the state asks `dueCommands` then. It can be too early,
   * since renewals don't move it.
   */
  readonly due: number
}

export const emptyState: ConsulState = {
  index: 0,
  tables: { kv: 0, tombstones: 0, sessions: 0, nodes: 0, services: 0, checks: 0, extinction: 0 },
  kv: undefined,
  tombstones: undefined,
  sessions: undefined,
  held: HashMap.empty(),
  lockDelays: HashMap.empty(),
  node: undefined,
  services: undefined,
  serviceIndexes: HashMap.empty(),
  checks: undefined,
  due: Number.POSITIVE_INFINITY
}
