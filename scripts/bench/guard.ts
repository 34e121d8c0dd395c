import { exponent } from "./Figure.ts"
import { keys, namesOf, recordText, Rig } from "./Rig.ts"
import { reconcilesIn, requestsIn, type Scrape, writesIn } from "./Scrape.ts"
import { storedRecords } from "./storedRecords.ts"

export interface Guarded {
  /** Of each job, when many are there at once. */
  readonly reconciles: number
  readonly writes: number
  readonly requests: number
  /** How what a job costs grows with the finished records: 0 is not at all. */
  readonly growth: { readonly requests: number; readonly processor: number }
}

export interface GuardLoad {
  readonly jobs: number
  /** Finished records, from few to many. */
  readonly sizes: ReadonlyArray<number>
}

/** The bench's counts and growth in short: what a change can spoil without any test of behaviour failing. */
export const guard = async (load: GuardLoad): Promise<Guarded> => {
  const rig = await Rig.open("embedded")
  try {
    await rig.serve()
    await rig.service.settled()
    // The first jobs have much compiled, and one of them is what the finished records are copies of.
    await run(rig, namesOf("warm", load.jobs))
    const ended = await rig.status("warm-0")
    if (ended === undefined) throw new Error("the first job has no status")
    const counted = await run(rig, namesOf("counted", load.jobs))

    const costs: Array<Cost & { readonly size: number }> = []
    let stored = 0
    for (const size of load.sizes) {
      const names = namesOf("stored", size).slice(stored)
      for (const operations of storedRecords(keys, ended, recordText("warm-0"), names))
        await rig.transaction(operations)
      stored = size
      await rig.service.settled()
      const rounds: Array<Cost> = []
      for (let round = 0; round < 3; round++) rounds.push(await run(rig, namesOf(`grown-${size}-${round}`, load.jobs)))
      const least = (of: (cost: Cost) => number) => Math.min(...rounds.map(of))
      costs.push({
        size,
        reconciles: least(({ reconciles }) => reconciles),
        writes: least(({ writes }) => writes),
        requests: least(({ requests }) => requests),
        processor: least(({ processor }) => processor)
      })
    }
    const growthOf = (of: (cost: Cost) => number) =>
      exponent(costs.map((cost) => ({ size: cost.size, cost: of(cost) })))
    return {
      reconciles: counted.reconciles,
      writes: counted.writes,
      requests: counted.requests,
      growth: { requests: growthOf(({ requests }) => requests), processor: growthOf(({ processor }) => processor) }
    }
  } finally {
    await rig.close()
  }
}

/** Of one job. */
interface Cost {
  readonly reconciles: number
  readonly writes: number
  readonly requests: number
  /** Milliseconds. */
  readonly processor: number
}

const run = async (rig: Rig, names: ReadonlyArray<string>): Promise<Cost> => {
  const { service } = rig
  const [before, cpu] = [await service.scrape(), service.cpu()]
  await rig.put(names)
  await rig.ended(names)
  await service.settled()
  const [after, spent] = [await service.scrape(), service.cpu() - cpu]
  const each = (of: (scrape: Scrape) => number) => (of(after) - of(before)) / names.length
  return {
    reconciles: each(reconcilesIn),
    writes: each(writesIn),
    requests: each(requestsIn),
    processor: spent / names.length
  }
}
