import { getKey, valuesUnder } from "../../../src/embedded/consul/SortedMap.ts"
import type { Execution } from "../SimClients.ts"
import { keys } from "../Replica.ts"
import { repositoryOf } from "../SimRegistry.ts"
import type { World } from "../World.ts"
import type { Oracle } from "./Oracle.ts"
import { isOver, type StatusBook } from "./StatusBook.ts"

/**
 * A slot's key and the status of the run that holds it name each other, always; no two runs of different jobs move the
 * same tag at the same time; and at rest nobody holds anything.
 */
export const slotsAreExclusive = (world: World, book: StatusBook, report: (violation: string) => void): Oracle => {
  const slots = keys.slot("")

  world.consul.observe(({ after, keys: changed }) => {
    for (const key of changed) {
      if (!key.startsWith(slots)) continue
      const slot = key.slice(slots.length)
      const holders = book.all.filter((status) => status.slots.includes(slot))
      const held = getKey(after.kv, key)
      if (held === undefined && holders.length > 0)
        report(`${holders[0]?.name ?? ""} holds slot ${slot}, and its key is gone`)
      if (holders.length > 1) report(`slot ${slot} is held by ${holders.map(({ name }) => name).join(", ")}`)
      if (held !== undefined && holders.length === 0) report(`slot ${slot} is taken, and no status holds it`)
    }
  })

  world.clients.observe({
    started: (execution) => {
      if (world.clients.outOfReach.has(execution.allocationId)) return
      const tags = movedBy(execution)
      for (const other of world.clients.running) {
        if (jobOf(other) === jobOf(execution) || world.clients.outOfReach.has(other.allocationId)) continue
        const shared = movedBy(other).filter((tag) => tags.includes(tag))
        if (shared.length > 0) report(`${execution.nomadJobId} and ${other.nomadJobId} both move ${shared.join(", ")}`)
      }
    },
    ended: () => {}
  })

  return {
    atRest: () => {
      if (!book.all.every(isOver)) return
      for (const { key } of valuesUnder(world.consul.state.kv, slots)) report(`${key} is left behind`)
    }
  }
}

const jobOf = ({ job }: Execution): string => job.Meta?.["build-service-job-id"] ?? ""

/** The tags that a step moves and that others may want, too: not the job's own. */
const movedBy = (execution: Execution): ReadonlyArray<string> => {
  const task = execution.job.TaskGroups?.[0]?.Tasks?.[0]
  const entrypoint = task?.Config?.["entrypoint"]
  const phase = execution.job.Meta?.["phase"]
  const publishes = phase === "publish" || (phase === "build" && task?.Env?.["JOBFORGE_TARGET"] === "final")
  if (!publishes || !Array.isArray(entrypoint)) return []
  return entrypoint
    .slice(5)
    .map(String)
    .filter((image) => repositoryOf(image) !== "")
}
