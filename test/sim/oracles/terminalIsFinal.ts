import { isTerminal } from "../../../src/domain/Status.ts"
import { getKey } from "../../../src/embedded/consul/SortedMap.ts"
import { keys } from "../Replica.ts"
import type { World } from "../World.ts"
import { nothingAtRest, type Oracle } from "./Oracle.ts"
import type { StatusBook } from "./StatusBook.ts"

/** A run that has ended stays as it ended, and generations only count up. */
export const terminalIsFinal = (world: World, book: StatusBook, report: (violation: string) => void): Oracle => {
  world.consul.observe(({ before, after, keys: changed }) => {
    for (const key of changed) {
      if (!key.startsWith(keys.statuses)) continue
      const old = book.read(getKey(before.kv, key))
      const now = book.read(getKey(after.kv, key))
      if (old === undefined) continue
      if (now === undefined) report(`the status of ${old.name} is gone`)
      else if (now.generation < old.generation) report(`${now.name} went back to generation ${now.generation}`)
      else if (now.generation === old.generation && isTerminal(old.status)) {
        const [a, b] = [old, now].map(({ status, reason, digest, job_id }) =>
          [status, reason, digest, job_id].join(" ")
        )
        if (a !== b) report(`${now.name} generation ${now.generation} was ${a} and became ${b}`)
      }
    }
  })
  return nothingAtRest
}
