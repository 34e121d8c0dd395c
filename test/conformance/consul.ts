import { describe } from "@effect/vitest"
import { agentConformance } from "./consulAgent.ts"
import { blockingConformance } from "./consulBlocking.ts"
import { kvConformance } from "./consulKv.ts"
import { lockConformance } from "./consulLocks.ts"
import { sessionConformance } from "./consulSessions.ts"
import { transactionConformance } from "./consulTransactions.ts"

export interface ConformanceOptions {
  /** Leaves out what needs Consul's own long times, 20 s at most; they run at the same time. */
  readonly quick?: boolean
}

/**
 * What this project relies on in Consul, asked of whatever answers at `address` (`http://host:port`, read when a test
 * starts). The same tests run against the embedded server and against a real Consul: where they differ, the embedded
 * one is wrong.
 */
export const consulConformance = (name: string, address: () => string, options: ConformanceOptions = {}): void => {
  describe.concurrent(`${name} does what is relied on in Consul`, () => {
    kvConformance(address)
    blockingConformance(address)
    transactionConformance(address)
    lockConformance(address)
    sessionConformance(address, options.quick === true)
    agentConformance(address)
  })
}
