import { gunzipSync } from "node:zlib"
import { valuesUnder } from "../../../src/embedded/consul/SortedMap.ts"
import { keys } from "../Replica.ts"
import type { World } from "../World.ts"
import type { Oracle } from "./Oracle.ts"
import type { StatusBook } from "./StatusBook.ts"

/**
 * Each attempt that a status tells of and that ran has its log in the archive, if it could be read at all times. What a
 * late registration started after its attempt was over belongs to nobody, and its log to no attempt.
 */
export const logsAreKept = (world: World, book: StatusBook, report: (violation: string) => void): Oracle => {
  const logs = new Map<string, { readonly log: string; readonly allocationId: string }>()
  const starts = new Map<string, number>()
  world.clients.observe({
    started: ({ allocationId }) => starts.set(allocationId, world.timeline.now),
    ended: ({ nomadJobId, allocationId }, _exitCode, log) => logs.set(nomadJobId, { log, allocationId })
  })
  return {
    atRest: () => {
      for (const { name, attempts } of book.all) {
        for (const { nomad_job_id: id, outcome } of attempts) {
          const written = logs.get(id)
          if (outcome === undefined || written === undefined) continue
          const { log, allocationId } = written
          if ((starts.get(allocationId) ?? 0) > outcome.at) continue
          const kept = archived(world, name, id)
          const reachable = !world.clients.outOfReach.has(allocationId)
          if (kept === undefined ? reachable || outcome.logs === "archived" : kept !== log && reachable) {
            report(`the log of ${id} (${outcome.logs}) is ${kept === undefined ? "lost" : "another one"}`)
          }
        }
      }
    }
  }
}

const archived = (world: World, name: string, nomadJobId: string): string | undefined => {
  const pieces = valuesUnder(world.consul.state.kv, keys.logsOf(name, nomadJobId, "stdout"))
  if (pieces.length === 0) return undefined
  return gunzipSync(Buffer.concat(pieces.map(({ value }) => Buffer.from(value, "base64")))).toString()
}
