import { Option } from "effect"
import type { Status } from "../../../src/domain/Status.ts"
import { webhookEvents } from "../../../src/domain/webhookEvents.ts"
import { getKey } from "../../../src/embedded/consul/SortedMap.ts"
import { decodeDelivery } from "../../../src/webhooks/Delivery.ts"
import { keys } from "../Replica.ts"
import type { World } from "../World.ts"
import type { Oracle } from "./Oracle.ts"
import type { StatusBook } from "./StatusBook.ts"

/**
 * Whatever a status says that a receiver is to be told lies in the outbox from the very moment on at which the status does,
 * once; and every run's end is told, also where no status ever said it.
 */
export const webhooksAreTold = (world: World, book: StatusBook, report: (violation: string) => void): Oracle => {
  const told = new Map<string, Array<string>>()
  const runs = new Set<string>()

  const take = (value: string) => {
    const delivery = decodeDelivery(Buffer.from(value, "base64"))
    if (Option.isNone(delivery)) return report("the outbox has what is no delivery")
    const { event, job_id: jobId } = delivery.value.envelope
    const events = told.get(jobId) ?? []
    if (events.includes(event)) report(`${event} of ${jobId} is told twice`)
    told.set(jobId, [...events, event])
  }

  const compare = (status: Status) => {
    if (status.job_id === undefined || status.config?.webhook_url === undefined) return
    runs.add(status.job_id)
    const events = webhookEvents(undefined, status)
    const kept = told.get(status.job_id) ?? []
    if (events.join() !== kept.join()) {
      report(`${status.job_id} is ${status.status}, which tells ${events.join()}, and the outbox has ${kept.join()}`)
    }
  }

  world.consul.observe(({ after, keys: changed }) => {
    for (const key of changed.filter((one) => one.startsWith(keys.outbox)).toSorted()) {
      const entry = getKey(after.kv, key)
      if (entry !== undefined) take(entry.value)
    }
    for (const key of changed.filter((one) => one.startsWith(keys.statuses))) {
      const status = book.read(getKey(after.kv, key))
      if (status !== undefined) compare(status)
    }
  })

  return {
    atRest: () => {
      for (const jobId of runs) {
        const last = told.get(jobId)?.at(-1)
        if (last?.startsWith("job.") !== true)
          report(`${jobId} is over, and the last that is told is ${last ?? "nothing"}`)
      }
    }
  }
}
