import { setTimeout as pause } from "node:timers/promises"
import { Dice } from "../chaos/Dice.ts"
import { type HostileRecord, hostileRecords } from "./hostileRecords.ts"
import { Lab } from "./Lab.ts"

export interface Load {
  readonly hostile: number
  /** Of all hostile records together. */
  readonly bytes: number
  readonly good: number
  readonly seed: number
  /** Times that the good ones are measured; the median counts. */
  readonly rounds: number
  /** Measures a start with all of them there as well. */
  readonly flood: boolean
}

/** Milliseconds: by the clock, which shows what else the machine does, and of the service's processor time. */
export interface Cost {
  readonly elapsed: number
  readonly cpu: number
}

export interface Figures {
  /** For all good jobs, nobody else being there. */
  readonly alone: Cost
  /** The same beside the hostile records. */
  readonly beside: Cost
  /** The same, when hostile and good records were all there before the service started, and without the hostile ones. */
  readonly flood?: { readonly among: number; readonly alone: number }
  /** Milliseconds until every hostile record had its status, from the first write on. */
  readonly refusing: number
  /** Hostile records whose status doesn't say what is wrong with them. */
  readonly unanswered: ReadonlyArray<string>
  /** Resident bytes of the service, at most: with good records only, and over everything. */
  readonly memoryAlone: number
  readonly memory: number
  readonly bytes: number
  readonly consul: string
}

/** Good jobs alone, then beside records that can't be built, and what that costs. */
export const measure = async (load: Load, say: (line: string) => void): Promise<Figures> => {
  const lab = await Lab.open(load.seed)
  try {
    const records = hostileRecords(new Dice(load.seed), load.hostile, load.bytes)
    const standing = await besideStanding(lab, load, records, say)
    const flood = load.flood ? { flood: await whenAllAreThere(lab, load, records, say) } : {}
    return { ...standing, ...flood, bytes: sizeOf(records), consul: lab.consul.kind }
  } finally {
    await lab.close()
  }
}

const besideStanding = async (
  lab: Lab,
  load: Load,
  records: ReadonlyArray<HostileRecord>,
  say: (line: string) => void
) => {
  lab.prefix("standing")
  await lab.serve()
  await round(lab, load.good)
  const alone = await median(load.rounds, () => round(lab, load.good))
  const memoryAlone = lab.memory().peak
  say(`${load.good} good jobs alone: ${shown(alone)}`)
  const begun = Date.now()
  await lab.write(records)
  say(`${records.length} hostile records of ${sizeOf(records)} bytes written in ${Date.now() - begun} ms`)
  const before = (load.rounds + 1) * load.good
  while ((await lab.statusCount()) < records.length + before) {
    if (Date.now() - begun > 600_000) break
    await pause(200)
  }
  const refusing = Date.now() - begun
  const refused = await lab.refusals()
  const unanswered = records.map(({ name }) => name).filter((name) => !refused.has(name))
  say(`all have a status after ${refusing} ms, ${unanswered.length} without a reason`)
  const beside = await median(load.rounds, () => round(lab, load.good))
  const memory = lab.memory().peak
  say(`${load.good} good jobs beside them: ${shown(beside)}`)
  await lab.stop()
  return { alone, memoryAlone, refusing, unanswered, beside, memory }
}

/** The service starts when all is written: good ones alone, and good ones among the hostile. */
const whenAllAreThere = async (
  lab: Lab,
  load: Load,
  records: ReadonlyArray<HostileRecord>,
  say: (line: string) => void
) => {
  const start = async (prefix: string, hostile: ReadonlyArray<HostileRecord>): Promise<number> => {
    lab.prefix(prefix)
    await lab.write(hostile.slice(0, hostile.length / 2))
    const names = await lab.writeGood(load.good)
    await lab.write(hostile.slice(hostile.length / 2))
    const begun = Date.now()
    await lab.serve()
    const taken = await lab.finished(names, begun)
    await lab.stop()
    return taken
  }
  const alone = await start("flood-alone", [])
  say(`${load.good} good jobs that are there at the start, alone: ${alone} ms`)
  const among = await start("flood", records)
  say(`the same among the hostile records: ${among} ms`)
  return { alone, among }
}

const shown = ({ cpu, elapsed }: Cost): string => `${elapsed} ms, ${cpu} ms of processor time`

const round = async (lab: Lab, good: number): Promise<Cost> => {
  const before = { time: Date.now(), cpu: lab.cpu() }
  const elapsed = await lab.finished(await lab.writeGood(good), before.time)
  return { elapsed, cpu: lab.cpu() - before.cpu }
}

const median = async (rounds: number, run: () => Promise<Cost>): Promise<Cost> => {
  const taken: Array<Cost> = []
  for (let at = 0; at < rounds; at++) taken.push(await run())
  const middle = (values: ReadonlyArray<number>) => values.toSorted((a, b) => a - b)[Math.floor((rounds - 1) / 2)] ?? 0
  return { elapsed: middle(taken.map(({ elapsed }) => elapsed)), cpu: middle(taken.map(({ cpu }) => cpu)) }
}

const sizeOf = (records: ReadonlyArray<HostileRecord>): number =>
  records.reduce((sum, { value }) => sum + value.length, 0)
