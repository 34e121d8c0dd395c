import type { Execution } from "../SimClients.ts"
import type { World } from "../World.ts"
import { nothingAtRest, type Oracle } from "./Oracle.ts"

/**
 * Of each step at most one run at a time. Nomad gives up what it can't see and places it anew, so what was on a client
 * that was cut off doesn't count.
 */
export const oneLiveChild = (world: World, report: (violation: string) => void): Oracle => {
  world.clients.observe({
    started: (execution) => {
      if (world.clients.outOfReach.has(execution.allocationId)) return
      const step = stepOf(execution)
      const others = world.clients.running.filter(
        (other) =>
          other.allocationId !== execution.allocationId &&
          stepOf(other) === step &&
          !world.clients.outOfReach.has(other.allocationId)
      )
      for (const other of others) {
        report(
          `${execution.nomadJobId} (${execution.allocationId}) runs beside ${other.nomadJobId} (${other.allocationId})`
        )
      }
    },
    ended: () => {}
  })
  return nothingAtRest
}

const stepOf = ({ job }: Execution): string => {
  const meta = job.Meta ?? {}
  return [meta["build-service-job-id"], meta["phase"], meta["test-type"], meta["test-index"]].join(" ")
}
