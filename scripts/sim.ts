import { fork } from "node:child_process"
import { once } from "node:events"
import { availableParallelism } from "node:os"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { Schema } from "effect"
import { historyOf } from "../test/sim/randomHistory.ts"
import type { Plan } from "../test/sim/Plan.ts"
import { scenarios } from "../test/sim/scenarios.ts"
import { shrink } from "../test/sim/shrink.ts"
import { simulate } from "../test/sim/simulate.ts"
import { sweeps, sweepScenario } from "../test/sim/sweep.ts"

const usage = `npm run sim -- --seeds N [--from K]   plays N random histories, the first of seed K (1)
npm run sim -- --seed S              plays one of them and shows what happens
npm run sim -- --sweep [--only NAME] plays every fault at every boundary of every life of a record`

const { values } = parseArgs({
  options: {
    seeds: { type: "string" },
    seed: { type: "string" },
    from: { type: "string", default: "1" },
    sweep: { type: "boolean", default: false },
    only: { type: "string" },
    part: { type: "string" },
    alone: { type: "boolean", default: false },
    help: { type: "boolean", default: false }
  }
})

/** Shows a failing history, its smallest form, and how to see it again. */
const explain = (plan: Plan, again: string): void => {
  const found = simulate(plan).violations
  console.log(`  ${found.join("\n  ")}\n  again: ${again}\n  shrinking…`)
  const small = shrink(plan, (smaller) => simulate(smaller).violations.length > 0)
  const { violations, trace } = simulate(small, true)
  console.log(`  ${JSON.stringify(small)}\n  ${violations.join("\n  ")}\n${trace.join("\n")}`)
}

const playSeeds = (from: number, count: number): boolean => {
  const began = performance.now()
  let boundaries = 0
  for (let seed = from; seed < from + count; seed++) {
    const plan = historyOf(seed)
    const run = simulate(plan)
    boundaries += run.count
    if (run.violations.length > 0) {
      console.log(`seed ${seed} fails:`)
      explain(plan, `npm run sim -- --seed ${seed}`)
      return false
    }
    if ((seed - from + 1) % 500 === 0) console.log(`${seed - from + 1} histories`)
  }
  const seconds = (performance.now() - began) / 1000
  console.log(
    `${count} histories from seed ${from}, ${boundaries} boundaries crossed, nothing wrong: ${seconds.toFixed(1)} s`
  )
  return true
}

/** Below this many a second process isn't worth its start. */
const fewest = 100

/** One process for each core: a simulation is all computing. */
const playOnAllCores = async (from: number, count: number): Promise<boolean> => {
  const processes = Math.max(1, Math.min(availableParallelism(), Math.floor(count / fewest)))
  if (processes === 1 || values.alone) return playSeeds(from, count)
  const share = Math.ceil(count / processes)
  const exits = Array.from({ length: processes }, async (_, part) => {
    const first = from + part * share
    const seeds = Math.min(share, from + count - first)
    const child = fork(fileURLToPath(import.meta.url), ["--alone", "--seeds", `${seeds}`, "--from", `${first}`])
    const [code]: ReadonlyArray<unknown> = await once(child, "exit")
    return code === 0
  })
  return (await Promise.all(exits)).every((passed) => passed)
}

const playOne = (seed: number): boolean => {
  const { violations, outcomes, trace } = simulate(historyOf(seed), true)
  console.log(`${JSON.stringify(historyOf(seed))}\n${trace.join("\n")}\n${[...outcomes, ...violations].join("\n")}`)
  return violations.length === 0
}

interface Total {
  readonly boundaries: number
  readonly covered: number
  readonly runs: number
  readonly failures: number
}

const nothing: Total = { boundaries: 0, covered: 0, runs: 0, failures: 0 }

const sum = (a: Total, b: Total): Total => ({
  boundaries: a.boundaries + b.boundaries,
  covered: a.covered + b.covered,
  runs: a.runs + b.runs,
  failures: a.failures + b.failures
})

/** Of everything that is to be swept each n-th pair, told to the process that asked for it. */
const sweepPart = (part: number, parts: number): Total => {
  const pairs = sweeps.flatMap((sweep) => scenarios.map((scenario) => ({ sweep, scenario })))
  const wanted = pairs.filter(
    ({ sweep, scenario }) => values.only === undefined || [sweep.name, scenario.name].includes(values.only)
  )
  return wanted
    .filter((_, index) => index % parts === part)
    .reduce((total, { sweep, scenario }) => {
      const { boundaries, covered, runs, failures } = sweepScenario(scenario, sweep)
      console.log(`${sweep.name}, ${scenario.name}: ${covered} of ${boundaries} boundaries covered by ${runs} runs`)
      for (const { what, violations } of failures) console.log(`  ${what}\n    ${violations.join("\n    ")}`)
      return sum(total, { boundaries, covered, runs, failures: failures.length })
    }, nothing)
}

const sweepAll = async (): Promise<boolean> => {
  const began = performance.now()
  const parts = availableParallelism()
  const only = values.only === undefined ? [] : ["--only", values.only]
  const totals = await Promise.all(
    Array.from({ length: parts }, async (_, part) => {
      const child = fork(fileURLToPath(import.meta.url), ["--sweep", "--part", `${part}/${parts}`, ...only])
      let told = nothing
      child.on("message", (total) => {
        told = sum(told, Schema.decodeUnknownSync(TotalFromChild)(total))
      })
      const [code]: ReadonlyArray<unknown> = await once(child, "exit")
      return code === 0 ? told : sum(told, { ...nothing, failures: 1 })
    })
  )
  const total = totals.reduce(sum, nothing)
  const share = total.boundaries === 0 ? 0 : (100 * total.covered) / total.boundaries
  console.log(
    `${total.covered} of ${total.boundaries} boundaries covered (${share.toFixed(1)} %), ${total.runs} runs, ${total.failures} failures: ${((performance.now() - began) / 1000).toFixed(1)} s`
  )
  return total.failures === 0
}

const TotalFromChild = Schema.Struct({
  boundaries: Schema.Number,
  covered: Schema.Number,
  runs: Schema.Number,
  failures: Schema.Number
})

const passed = async (): Promise<boolean> => {
  if (values.part !== undefined) {
    const [part = 0, parts = 1] = values.part.split("/").map(Number)
    process.send?.(sweepPart(part, parts))
    return true
  }
  if (values.sweep) return sweepAll()
  if (values.seed !== undefined) return playOne(Number(values.seed))
  if (values.seeds !== undefined) return playOnAllCores(Number(values.from), Number(values.seeds))
  console.log(usage)
  return values.help
}

process.exitCode = (await passed()) ? 0 : 1
