import { setTimeout as pause } from "node:timers/promises"
import { eventLatency } from "./eventLatency.ts"
import { atMost, exponent, type Figure, percentile } from "./Figure.ts"
import { namesOf, Rig, stepsOfAJob } from "./Rig.ts"
import { type Counts, countsAJob } from "./Scrape.ts"

export interface ScaleLoad {
  /** Finished records in the store, for each measurement. */
  readonly sizes: ReadonlyArray<number>
  /** Jobs whose build runs all the time, at the sizes above 0; a tenth of the size where that is less. */
  readonly active: number
  /** Jobs that are run one after the other to measure reactions. */
  readonly samples: number
  /** Milliseconds that it is watched while nothing happens. */
  readonly idle: number
}

interface Measured extends Counts {
  readonly size: number
  readonly active: number
  /** Milliseconds, all of them. */
  readonly start: number
  readonly written: ReadonlyArray<number>
  readonly ended: ReadonlyArray<number>
  readonly event: ReadonlyArray<number>
  readonly cpuAJob: number
  /** Percent of a core. */
  readonly idleCpu: number
  readonly memory: number
}

/** (b) reactions, (c) footprint, (d) growth and (h) start-up: with ever more finished records in the store. */
export const scale = async (load: ScaleLoad): Promise<ReadonlyArray<Figure>> => {
  const all: Array<Measured> = []
  for (const size of load.sizes) all.push(await measureAt(load, size))
  const grown = all.filter(({ size }) => size > 0)
  return [...all.flatMap((one) => figuresOf(one, load.samples)), ...(grown.length > 1 ? growth(grown) : [])]
}

const measureAt = async (load: ScaleLoad, size: number): Promise<Measured> => {
  const rig = await Rig.open("any")
  try {
    const active = size === 0 ? 0 : Math.min(load.active, Math.ceil(size / 10))
    await rig.serve()
    await rig.service.settled()
    await rig.put(["template"])
    await rig.ended(["template"])
    await rig.stop()
    await rig.store("template", namesOf("stored", size))
    const service = await rig.serve()
    const start = (await service.settled(size)) - service.begun
    await rig.put(namesOf("active", active), { git_ref: "held" })
    while (rig.steps.holding < active) await pause(50)
    await service.settled()
    // What the work left behind is collected first: that is the work's.
    await pause(load.idle)
    const before = { cpu: service.cpu(), time: performance.now() }
    await pause(load.idle)
    const idleCpu = (100 * (service.cpu() - before.cpu)) / (performance.now() - before.time)
    // Its first jobs are still being compiled.
    for (const name of namesOf("warm", 5)) await single(rig, name)
    const [scrape, cpu] = [await service.scrape(), service.cpu()]
    const samples: Array<Reaction> = []
    for (const name of namesOf("sample", load.samples)) samples.push(await single(rig, name))
    await service.settled()
    const counts = countsAJob(scrape, await service.scrape(), load.samples)
    const cpuAJob = (service.cpu() - cpu) / load.samples
    const event = await eventLatency(rig, load.samples)
    return {
      size,
      active,
      start,
      written: samples.map(({ written }) => written),
      ended: samples.flatMap(({ ended }) => ended),
      event,
      cpuAJob,
      idleCpu,
      memory: service.memory().now / 1024 / 1024,
      ...counts
    }
  } finally {
    await rig.close()
  }
}

interface Reaction {
  readonly written: number
  readonly ended: ReadonlyArray<number>
}

/** One job alone: each registration that comes next is the answer to what happened last. */
const single = async (rig: Rig, name: string): Promise<Reaction> => {
  const begun = performance.now()
  const seen = await rig.watched(name)
  const [first] = seen
  if (first === undefined || seen.filter(({ kind }) => kind === "registered").length !== stepsOfAJob)
    throw new Error(`${name} was not ${stepsOfAJob} registrations: something else was going on`)
  const ended = seen.flatMap(({ kind, time }, at) => {
    const next = seen[at + 1]
    return kind === "ended" && next?.kind === "registered" ? [next.time - time] : []
  })
  return { written: first.time - begun, ended }
}

const figuresOf = (at: Measured, samples: number): ReadonlyArray<Figure> => {
  const under = `${at.size} stored and ${at.active} active records, ${samples} jobs one after the other`
  const isGoal = at.size <= 10_000
  const goal = (value: number) => (isGoal ? atMost(value) : {})
  const figure = (
    load: string,
    name: string,
    value: number,
    unit: string,
    more: Pick<Figure, "goal"> = {}
  ): Figure => ({
    load,
    name,
    value,
    unit,
    under,
    ...more
  })
  // What Nomad's own event stream takes is not the service's.
  const beyond = (part: number) => percentile(at.ended, part) - percentile(at.event, 0.5)
  return [
    figure("b", "KV write to registration, p50", percentile(at.written, 0.5), "ms", goal(15)),
    figure("b", "KV write to registration, p99", percentile(at.written, 0.99), "ms", goal(100)),
    figure("b", "phase end to next registration, p50", percentile(at.ended, 0.5), "ms"),
    figure("b", "phase end to next registration, p99", percentile(at.ended, 0.99), "ms"),
    figure("b", "phase end to its event, p50", percentile(at.event, 0.5), "ms"),
    figure("b", "phase end to its event, p99", percentile(at.event, 0.99), "ms"),
    figure("b", "phase end to next registration beyond the event, p50", beyond(0.5), "ms", goal(15)),
    figure("b", "phase end to next registration beyond the event, p99", beyond(0.99), "ms", goal(100)),
    figure("c", "resident memory", at.memory, "MiB", goal(256)),
    figure("c", "idle processor", at.idleCpu, "% of a core", goal(1)),
    figure("c", "processor time a job", at.cpuAJob, "ms"),
    figure("c", "reconciles a job", at.reconciles, "", goal(6)),
    figure("c", "KV writes a job", at.writes, "", goal(12)),
    figure("c", "requests a job", at.requests, ""),
    figure("h", "start-up until all is looked at", at.start, "ms")
  ]
}

/** (d) 0: what it costs doesn't depend on the finished records; 1: it grows as they do. */
const growth = (all: ReadonlyArray<Measured>): ReadonlyArray<Figure> => {
  const under = `${all.map(({ size }) => size).join(", ")} stored records`
  const figure = (name: string, costOf: (at: Measured) => number, most: number): Figure => ({
    load: "d",
    name: `growth of ${name}`,
    value: exponent(all.map((at) => ({ size: at.size, cost: costOf(at) }))),
    unit: "(exponent)",
    under,
    ...atMost(most)
  })
  return [
    figure("KV write to registration, p50", ({ written }) => percentile(written, 0.5), 0.2),
    figure("phase end to next registration, p50", ({ ended }) => percentile(ended, 0.5), 0.2),
    figure("processor time a job", ({ cpuAJob }) => cpuAJob, 0.2),
    figure("requests a job", ({ requests }) => requests, 0.05),
    figure("start-up", ({ start }) => start, 1.1),
    figure("resident memory", ({ memory }) => memory, 1)
  ]
}
