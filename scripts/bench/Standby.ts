import { setTimeout as pause } from "node:timers/promises"
import { Effect } from "effect"
import type { Status } from "../../src/domain/Status.ts"
import { BareServer } from "./BareServer.ts"
import { keys, Rig } from "./Rig.ts"

/** A replica that doesn't lead, as most of them don't: what the leader does for jobs is other loads' matter. */
export interface Standby {
  /** Of the replica, and of a server that does nothing but the one call to Consul. */
  readonly ports: { readonly service: number; readonly bare: number }
  /** Each measurement begins with the same records: what was submitted goes, and the replica has seen that it went. */
  readonly tidy: () => Promise<void>
}

/** Over a Consul of its own, which has copies of one finished job under these names. */
export const asStandby = async <A>(
  template: Status,
  names: ReadonlyArray<string>,
  use: (standby: Standby) => Promise<A>
): Promise<A> => {
  const rig = await Rig.open("any")
  try {
    await rig.storeCopies(template, names)
    await holdOffice(rig)
    await rig.serve()
    await rig.until("the replica is ready", () => isReady(rig), 30_000)
    const bare = await BareServer.start({
      folder: rig.folder,
      consul: `http://127.0.0.1:${rig.consul.port}`,
      prefix: keys.statuses.slice(0, -"status/".length)
    })
    try {
      return await use({
        ports: { service: Number(new URL(rig.service.address).port), bare: bare.port },
        tidy: () => tidy(rig)
      })
    } finally {
      await bare.end()
    }
  } finally {
    await rig.close()
  }
}

const holdOffice = async (rig: Rig): Promise<void> => {
  const session = await rig.run((consul) => consul.createSession({ name: "bench", lockDelay: 0, behavior: "release" }))
  if (!(await rig.run((consul) => consul.acquire(keys.leader, "{}", session)))) {
    throw new Error("the office was not to be had")
  }
}

const isReady = async (rig: Rig): Promise<boolean> => {
  const answer = await fetch(`${rig.service.address}/ready`).catch(() => undefined)
  await answer?.arrayBuffer()
  return answer?.status === 200
}

const tidy = async (rig: Rig): Promise<void> => {
  const isSubmitted = (key: string) => /^[0-9a-f-]{36}$/.test(key.slice(keys.jobs.length))
  const { value: names } = await rig.run((consul) => consul.keys(keys.jobs))
  const submitted = names.filter(isSubmitted)
  await rig.run((consul) => Effect.forEach(submitted, (key) => consul.delete(key), { concurrency: 16, discard: true }))
  // Until it has nothing to do any more.
  for (let quiet = 0; quiet < 3;) {
    const before = rig.service.cpu()
    await pause(200)
    quiet = rig.service.cpu() - before <= 20 ? quiet + 1 : 0
  }
}
