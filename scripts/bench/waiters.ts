import { setTimeout as pause } from "node:timers/promises"
import { atMost, type Figure, figureUnder, percentile } from "./Figure.ts"
import { HttpLoad, requestText } from "./HttpLoad.ts"
import { heldRef } from "./instantDriver.ts"
import { keys, namesOf, type Rig } from "./Rig.ts"

/** From a status's change in Consul, as a watch of one's own sees it, to the answers of all that wait for it. */
export const waiters = async (rig: Rig, count: number, changes: number): Promise<ReadonlyArray<Figure>> => {
  const [first = "", ...others] = namesOf("awaited", changes + 1)
  const names = [first, ...others]
  await rig.put(names, { git_ref: heldRef })
  await rig.until("all are held", () => rig.steps.holding >= names.length)
  await rig.service.settled()
  // Code is compiled while it runs: it is measured from the second change on.
  await tell(rig, first, count)
  const taken: Array<number> = []
  for (const name of others) taken.push(...(await tell(rig, name, count)))
  await rig.ended(names)
  const figure = figureUnder(
    "e",
    `${count} long polls for one status, ${changes} changes, the leader answers, ${rig.consul.kind} Consul; clients on the same machine`
  )
  return [
    figure("status change to a waiter's answer, p50", percentile(taken, 0.5), "ms"),
    figure("status change to a waiter's answer, p99", percentile(taken, 0.99), "ms", atMost(100))
  ]
}

/** Milliseconds of each that waited. */
const tell = async (rig: Rig, name: string, count: number): Promise<ReadonlyArray<number>> => {
  // What began a moment ago is still being written about.
  let index = await indexOf(rig, name)
  for (let before = -1; before !== index; index = await indexOf(rig, name)) {
    before = index
    await pause(300)
  }
  const load = await HttpLoad.open(Number(new URL(rig.service.address).port), count)
  const answers = load.each(requestText("GET", `/json/job/${name}/status?wait=60s&index=${index}`))
  // Whoever was told before there was news ends the measurement, not this process.
  answers.catch(() => {})
  for (let tries = 0; (await waiting(rig)) < count; tries++) {
    // What refused one of them says more than that they are too few.
    if (tries > 600) await Promise.race([answers, Promise.reject(new Error(`${count} requests do not wait`))])
    await pause(50)
  }
  const changed = changeOf(rig, name, index)
  await pause(200)
  const released = performance.now()
  rig.steps.release(name)
  const [from, times] = await Promise.all([changed, answers])
  load.close()
  if (Math.min(...times) < released) throw new Error(`somebody was told of a change of ${name} before it`)
  return times.map((time) => time - from)
}

const waiting = async (rig: Rig): Promise<number> =>
  (await rig.service.scrape()).sum("jobforge_waiters", (label) => label("kind") === "stream")

const indexOf = async (rig: Rig, name: string): Promise<number> => {
  const answer = await fetch(`${rig.service.address}/json/job/${name}/status`)
  await answer.arrayBuffer()
  return Number(answer.headers.get("x-jobforge-index"))
}

/** When Consul said so, in `performance.now`'s time. */
const changeOf = async (rig: Rig, name: string, index: number): Promise<number> => {
  const address = `http://127.0.0.1:${rig.consul.port}/v1/kv/${keys.status(name)}?wait=60s&index=${index}`
  const answer = await fetch(address)
  const time = performance.now()
  await answer.arrayBuffer()
  return time
}
