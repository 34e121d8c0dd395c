import type { CheckStatus } from "./Agent.ts"

/** One instance of a service, with the worst status of its own checks and of its node's. */
export interface ServiceInstance {
  readonly node: string
  readonly id: string
  readonly service: string
  /** The service's own address, or its node's. */
  readonly address: string
  readonly port: number
  readonly tags: ReadonlyArray<string>
  readonly meta: Readonly<Record<string, string>>
  readonly status: CheckStatus
}
