import { randomUUID } from "node:crypto"
import { setTimeout as pause } from "node:timers/promises"
import { atMost, type Figure, figureUnder } from "./Figure.ts"
import { livingValues, snapshotsInto } from "./livingValues.ts"
import { Rig } from "./Rig.ts"

/** (i) What a job leaves behind in the process: after half of the jobs, and after all, each of them archived. */
export const leaks = async (jobs: number): Promise<ReadonlyArray<Figure>> => {
  const rig = await Rig.open("any")
  try {
    const service = await rig.serve({ node: snapshotsInto(rig.folder) })
    await service.settled()
    // Caches fill and code is compiled with the first ones.
    await runBatches(rig, Math.ceil(jobs / 10))
    const first = await atRest(rig)
    await runBatches(rig, Math.ceil(jobs / 2))
    const middle = await atRest(rig)
    await runBatches(rig, Math.ceil(jobs / 2))
    const last = await atRest(rig)
    const all = Math.ceil(jobs / 10) + 2 * Math.ceil(jobs / 2)
    const succeeded = (await service.scrape()).sum("total_jobs", (label) => label("status") === "succeeded")
    if (succeeded < all) throw new Error(`${succeeded} of ${all} jobs succeeded`)
    const under = `${jobs} jobs, ${rig.consul.kind} Consul and embedded Nomad, each archived after its end`
    const figure = figureUnder("i", under)
    return [
      figure("jobs that were counted as succeeded, each of them once", succeeded / all, "(ratio)", atMost(1)),
      figure("heap, after half of the jobs", middle.heap / 1024 / 1024, "MiB"),
      figure("heap, after all to after half", last.heap / middle.heap, "(ratio)", atMost(1.1)),
      figure("heap, growth a job", (last.heap - middle.heap) / (jobs / 2), "bytes"),
      figure("living values, growth a job", (last.values - middle.values) / (jobs / 2), "", atMost(0.5)),
      figure("fibers, after all beyond after a tenth", last.fibers - first.fibers, "", atMost(2)),
      figure("file descriptors, after all beyond after a tenth", last.descriptors - first.descriptors, "", atMost(20))
    ]
  } finally {
    await rig.close()
  }
}

/** As many at once as a busy service has, and so many that the wait for the last of them is short beside the rest. */
const batch = 1000

/** How many values a job that was archived leaves in the service's memory, from a few jobs, after a third as many. */
export const leftBehind = async (jobs: number): Promise<number> => {
  const rig = await Rig.open("embedded")
  try {
    const service = await rig.serve({ node: snapshotsInto(rig.folder) })
    await service.settled()
    const after = async (more: number) => {
      await runBatches(rig, more)
      await service.settled()
      return livingValues(service, rig.folder)
    }
    const first = await after(Math.ceil(jobs / 3))
    return ((await after(jobs)) - first) / jobs
  } finally {
    await rig.close()
  }
}

const runBatches = async (rig: Rig, jobs: number): Promise<void> => {
  for (let at = 0; at < jobs; at += batch) {
    const names = Array.from({ length: Math.min(batch, jobs - at) }, () => randomUUID())
    await rig.put(names)
    await rig.archived(names.length)
    // Nomad's memory is this process's, and none of what is measured.
    await fetch(`${rig.nomad}/v1/system/gc`, { method: "PUT" })
  }
}

interface Left {
  readonly heap: number
  readonly fibers: number
  readonly descriptors: number
}

/** The least of a while after a collection: the heap also holds what nobody uses. */
const atRest = async (rig: Rig): Promise<Left & { readonly values: number }> => {
  await rig.service.settled()
  const values = await livingValues(rig.service, rig.folder)
  await rig.service.settled()
  const seen: Array<Left> = []
  for (let times = 0; times < 20; times++) {
    await pause(500)
    const scrape = await rig.service.scrape()
    seen.push({
      heap: scrape.sum("nodejs_heap_size_used_bytes"),
      fibers: scrape.sum("effect_fibers_active"),
      descriptors: rig.service.descriptors()
    })
  }
  const least = (of: (left: Left) => number) => Math.min(...seen.map(of))
  return {
    values,
    heap: least(({ heap }) => heap),
    fibers: least(({ fibers }) => fibers),
    descriptors: least(({ descriptors }) => descriptors)
  }
}
