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
  }
  const seconds = (performance.now() - began) / 1000
  console.log(
    `${count} histories from seed ${from}, ${boundaries} boundaries crossed, nothing wrong: ${seconds.toFixed(1)} s`
  )
  return true
}

/** A simulation makes much garbage that is soon dead: a larger nursery saves a fifth of the time. */
const player = { execArgv: [...process.execArgv, "--max-semi-space-size=64"] }

/**
 * Plays each list of arguments in a process of its own, as many at once as there are cores: a simulation is all computing.
 * The fibers of a replica that was killed never end and are never forgotten, so no process plays many. True if all passed.
 */
const playInProcesses = async (
  parts: ReadonlyArray<ReadonlyArray<string>>,
  tell: (message: unknown) => void = () => {}
): Promise<boolean> => {
  const left = [...parts]
  const work = async (): Promise<boolean> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const child = fork(fileURLToPath(import.meta.url), next, player)
      child.on("message", tell)
      const [code]: ReadonlyArray<unknown> = await once(child, "exit")
      if (code !== 0) {
        left.length = 0
        return false
      }
    }
    return true
  }
  return (await Promise.all(Array.from({ length: availableParallelism() }, work))).every((passed) => passed)
}

/** Histories of one process. */
const share = 250

const playOnAllCores = async (from: number, count: number): Promise<boolean> => {
  if (count <= share || values.alone) return playSeeds(from, count)
  const began = performance.now()
  const passed = await playInProcesses(
    Array.from({ length: Math.ceil(count / share) }, (_, part) => {
      const first = from + part * share
      return ["--alone", "--seeds", `${Math.min(share, from + count - first)}`, "--from", `${first}`]
    })
  )
  console.log(
    `${count} histories ${passed ? "passed" : "failed"}: ${((performance.now() - began) / 1000).toFixed(1)} s`
  )
  return passed
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

/** Every sweep over every life, or what `--only` leaves of them. */
const pairs = sweeps
  .flatMap((sweep) => scenarios.map((scenario) => ({ sweep, scenario })))
  .filter(({ sweep, scenario }) => values.only === undefined || [sweep.name, scenario.name].includes(values.only))

/** One pair, told to the process that asked for it. */
const sweepPart = (part: number): Total => {
  const pair = pairs[part]
  if (pair === undefined) return nothing
  const { sweep, scenario } = pair
  const { boundaries, covered, runs, failures } = sweepScenario(scenario, sweep)
  console.log(`${sweep.name}, ${scenario.name}: ${covered} of ${boundaries} boundaries covered by ${runs} runs`)
  for (const { what, violations } of failures) console.log(`  ${what}\n    ${violations.join("\n    ")}`)
  return { boundaries, covered, runs, failures: failures.length }
}

const sweepAll = async (): Promise<boolean> => {
  const began = performance.now()
  const only = values.only === undefined ? [] : ["--only", values.only]
  let total = nothing
  const ended = await playInProcesses(
    pairs.map((_, part) => ["--sweep", "--part", `${part}`, ...only]),
    (told) => {
      total = sum(total, Schema.decodeUnknownSync(TotalFromChild)(told))
    }
  )
  const covered = total.boundaries === 0 ? 0 : (100 * total.covered) / total.boundaries
  console.log(
    `${total.covered} of ${total.boundaries} boundaries covered (${covered.toFixed(1)} %), ${total.runs} runs, ${total.failures} failures: ${((performance.now() - began) / 1000).toFixed(1)} s`
  )
  return ended && total.failures === 0
}

const TotalFromChild = Schema.Struct({
  boundaries: Schema.Number,
  covered: Schema.Number,
  runs: Schema.Number,
  failures: Schema.Number
})

const passed = async (): Promise<boolean> => {
  if (values.part !== undefined) {
    process.send?.(sweepPart(Number(values.part)))
    return true
  }
  if (values.sweep) return sweepAll()
  if (values.seed !== undefined) return playOne(Number(values.seed))
  if (values.seeds !== undefined) return playOnAllCores(Number(values.from), Number(values.seeds))
  console.log(usage)
  return values.help
}

process.exitCode = (await passed()) ? 0 : 1
