import { describe } from "@effect/vitest"
import { agentConformance } from "./consulAgent.ts"
import { blockingConformance } from "./consulBlocking.ts"
import { kvConformance } from "./consulKv.ts"
import { lockConformance } from "./consulLocks.ts"
import { outageConformance, type OutageOptions } from "./consulOutages.ts"
import { sessionConformance } from "./consulSessions.ts"
import { transactionConformance } from "./consulTransactions.ts"

export interface ConsulConformanceOptions extends OutageOptions {
  /** Why what takes Consul's own time of a minute and a half is left out; none when it isn't. */
  readonly lacksPatience?: string
}

/**
 * What this project relies on in Consul, asked of whatever answers at `address` (`http://host:port`, read when a test
 * starts). The same tests run against the embedded server and against a real Consul: where they differ, the embedded
 * one is wrong.
 */
export const consulConformance = (name: string, address: () => string, options: ConsulConformanceOptions): void => {
  describe.concurrent(`${name} does what is relied on in Consul`, () => {
    kvConformance(address)
    blockingConformance(address)
    transactionConformance(address)
    lockConformance(address)
    sessionConformance(address)
    agentConformance(address, options.lacksPatience)
    outageConformance(options)
  })
}
