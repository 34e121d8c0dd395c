import type { Duration } from "effect"

/** What happens to the keys that a session holds when it ends. */
export type SessionBehavior = "release" | "delete"

export interface SessionOptions {
  readonly name: string
  /** 10 s to 24 h. Consul ends the session between one and two TTLs after the last renewal. Without it: only with its checks. */
  readonly ttl?: Duration.DurationInput
  /** How long nobody can acquire what the session held when it ended by failure. */
  readonly lockDelay: Duration.DurationInput
  readonly behavior: SessionBehavior
  /**
   * Checks of the same node whose turning critical ends the session. `node` names those without a service; leaving it
   * out means `serfHealth`, the node's own.
   */
  readonly checks?: {
    readonly service?: ReadonlyArray<string>
    readonly node?: ReadonlyArray<string>
  }
  /** The agent's own unless given. */
  readonly node?: string
}

export interface SessionInfo {
  readonly id: string
  readonly name: string
  readonly node: string
  readonly lockDelay: Duration.Duration
  readonly behavior: SessionBehavior
  /** In Go's notation, as it was given. */
  readonly ttl?: string
  readonly nodeChecks: ReadonlyArray<string>
  readonly serviceChecks: ReadonlyArray<string>
  readonly createIndex: number
  readonly modifyIndex: number
}
