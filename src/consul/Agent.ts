import type { Duration } from "effect"

export type CheckStatus = "passing" | "warning" | "critical"

export interface AgentSelf {
  readonly datacenter: string
  readonly nodeName: string
  readonly nodeId: string
  readonly version: string
  readonly server: boolean
}

/** How a check is carried out: by a report within each TTL, or by Consul asking a URL. */
export type CheckProbe =
  | { readonly ttl: Duration.DurationInput }
  | {
      readonly http: string
      readonly interval: Duration.DurationInput
      readonly timeout?: Duration.DurationInput
    }

export type CheckDefinition = CheckProbe & {
  readonly id: string
  readonly name: string
  /** Binds the check to a service of this agent. */
  readonly serviceId?: string
  readonly notes?: string
  /** Before the first report; critical unless given. */
  readonly status?: CheckStatus
  /** At least 1 min in Consul's own terms; it removes the service, not the check. */
  readonly deregisterCriticalServiceAfter?: Duration.DurationInput
}

export interface ServiceDefinition {
  readonly id: string
  readonly name: string
  readonly address?: string
  readonly port?: number
  readonly tags?: ReadonlyArray<string>
  readonly meta?: Readonly<Record<string, string>>
  readonly checks?: ReadonlyArray<CheckDefinition>
}
