import { exponent } from "./Figure.ts"
import { namesOf, Rig } from "./Rig.ts"
import { type Counts, countsAJob } from "./Scrape.ts"

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
    const counted = await run(rig, namesOf("counted", load.jobs))

    const costs: Array<Cost & { readonly size: number }> = []
    let stored = 0
    for (const size of load.sizes) {
      await rig.store("warm-0", namesOf("stored", size).slice(stored))
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
interface Cost extends Counts {
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
  return { ...countsAJob(before, after, names.length), processor: spent / names.length }
}
