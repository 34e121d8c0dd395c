import { setTimeout as pause } from "node:timers/promises"
import { eventLatency } from "./eventLatency.ts"
import { atMost, exponent, type Figure, figureUnder, percentile } from "./Figure.ts"
import { heldRef } from "./instantDriver.ts"
import { stepsOfAJob } from "./recordText.ts"
import { namesOf, Rig } from "./Rig.ts"
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
  return [...all.flatMap((one) => figuresOf(one, load.samples)), ...growth(all)]
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
    await rig.put(namesOf("active", active), { git_ref: heldRef })
    await rig.until("all are held", () => rig.steps.holding >= active)
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
      memory: service.memory() / 1024 / 1024,
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
  const [reaction, footprint, startUp] = [figureUnder("b", under), figureUnder("c", under), figureUnder("h", under)]
  // What Nomad's own event stream takes is not the service's.
  const beyond = (part: number) => percentile(at.ended, part) - percentile(at.event, 0.5)
  return [
    reaction("KV write to registration, p50", percentile(at.written, 0.5), "ms", goal(15)),
    reaction("KV write to registration, p99", percentile(at.written, 0.99), "ms", goal(100)),
    reaction("phase end to next registration, p50", percentile(at.ended, 0.5), "ms"),
    reaction("phase end to next registration, p99", percentile(at.ended, 0.99), "ms"),
    reaction("phase end to its event, p50", percentile(at.event, 0.5), "ms"),
    reaction("phase end to its event, p99", percentile(at.event, 0.99), "ms"),
    reaction("phase end to next registration beyond the event, p50", beyond(0.5), "ms", goal(15)),
    reaction("phase end to next registration beyond the event, p99", beyond(0.99), "ms", goal(100)),
    footprint("resident memory", at.memory, "MiB", goal(256)),
    footprint("idle processor", at.idleCpu, "% of a core", goal(1)),
    footprint("processor time a job", at.cpuAJob, "ms"),
    footprint("reconciles a job", at.reconciles, "", goal(6)),
    footprint("KV writes a job", at.writes, "", goal(12)),
    footprint("requests a job", at.requests, ""),
    startUp("start-up until all is looked at", at.start, "ms")
  ]
}

/** (d) How what it costs grows with the finished records. */
const growth = (all: ReadonlyArray<Measured>): ReadonlyArray<Figure> => {
  const stored = all.filter(({ size }) => size > 0)
  const [empty, smallest, before, largest] = [all[0], stored[0], stored.at(-2), stored.at(-1)]
  if (empty?.size !== 0 || smallest === undefined || before === undefined || largest === undefined) return []
  const figure = figureUnder("d", `${stored.map(({ size }) => size).join(", ")} stored records`)
  // As a power of their number, 0 being none at all, and from end to end: what begins to grow late hides in the first.
  const ofAChange = (name: string, costOf: (at: Measured) => number, most: number, times: number) => [
    figure(
      `growth of ${name}`,
      exponent(stored.map((at) => ({ size: at.size, cost: costOf(at) }))),
      "(exponent)",
      atMost(most)
    ),
    figure(
      `growth of ${name}, ${largest.size} beside ${smallest.size}`,
      costOf(largest) / costOf(smallest),
      "(ratio)",
      atMost(times)
    )
  ]
  const ofARecord = (at: Measured, of: (at: Measured) => number) => (of(at) - of(empty)) / at.size
  return [
    ...ofAChange("KV write to registration, p50", ({ written }) => percentile(written, 0.5), 0.2, 2),
    ...ofAChange("phase end to next registration, p50", ({ ended }) => percentile(ended, 0.5), 0.2, 2),
    ...ofAChange("processor time a job", ({ cpuAJob }) => cpuAJob, 0.2, 2),
    ...ofAChange("requests a job", ({ requests }) => requests, 0.05, 1.2),
    figure(
      `start-up, a record's part of it, ${largest.size} beside ${before.size}`,
      ofARecord(largest, ({ start }) => start) / ofARecord(before, ({ start }) => start),
      "(ratio)",
      atMost(1.5)
    ),
    figure("resident memory, a record's part of it", 1024 * ofARecord(largest, ({ memory }) => memory), "KiB")
  ]
}
