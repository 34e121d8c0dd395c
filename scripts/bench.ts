import { writeFileSync } from "node:fs"
import { cpus, loadavg } from "node:os"
import { parseArgs } from "node:util"
import { type Figure, isMet, tableOf } from "./bench/Figure.ts"
import { failover } from "./bench/failover.ts"
import { http } from "./bench/http.ts"
import { leaks } from "./bench/leaks.ts"
import { logFollow } from "./bench/logFollow.ts"
import { overRealNomad } from "./bench/realNomad.ts"
import { scale } from "./bench/scale.ts"
import { inMemory, overServers } from "./bench/throughput.ts"

// Figures of the real program under load: one JSON document for machines, a table for people. Absolute times are the
// machine's as much as the program's; ratios, counts and exponents are not.

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    quick: { type: "boolean", default: false },
    out: { type: "string" },
    jobs: { type: "string" }
  }
})
const { quick } = values
const jobs = values.jobs === undefined ? undefined : Number(values.jobs)
const throughputJobs = jobs ?? (quick ? 200 : 2000)

/** In the order in which they run; one that fails takes none of the others' figures with it. */
const loads: ReadonlyArray<{ readonly letters: string; readonly run: () => Promise<ReadonlyArray<Figure>> }> = [
  { letters: "a", run: () => overServers("any", throughputJobs) },
  { letters: "a", run: () => overServers("embedded", throughputJobs) },
  { letters: "a", run: () => overRealNomad(quick ? 20 : 200) },
  { letters: "a", run: () => inMemory(quick ? 200 : 1000) },
  {
    letters: "bcdh",
    run: () =>
      scale(
        quick
          ? { sizes: [0, 100, 1000], active: 100, samples: 20, idle: 5000 }
          : { sizes: [0, 100, 1000, 10_000, 50_000], active: 1000, samples: 200, idle: 30_000 }
      )
  },
  {
    letters: "e",
    run: () =>
      http(
        quick
          ? { rounds: 3, milliseconds: 1500, warm: 2000, waiters: 1000, changes: 5 }
          : { rounds: 7, milliseconds: 5000, warm: 10_000, waiters: 1000, changes: 10 }
      )
  },
  {
    letters: "f",
    run: () =>
      logFollow(
        quick
          ? { readers: 100, bytes: 2_000_000, stalledBytes: 20_000_000 }
          : { readers: 100, bytes: 20_000_000, stalledBytes: 200_000_000 }
      )
  },
  { letters: "i", run: () => leaks(jobs ?? (quick ? 2000 : 100_000)) },
  { letters: "g", run: () => failover(quick ? 3 : 20) }
]

const wanted = values.only === "" ? [] : values.only.split(",").map((letter) => letter.trim())
const known = [...new Set(loads.flatMap(({ letters }) => letters.split("")))]
const unknown = wanted.filter((letter) => !known.includes(letter))
if (unknown.length > 0) {
  console.error(`--only: there is no load ${unknown.join(", ")}; there are ${known.toSorted().join(", ")}`)
  process.exit(2)
}

const figures: Array<Figure> = []
const errors: Array<string> = []
const averages: Array<number> = [loadavg()[0] ?? 0]
for (const { letters, run } of loads) {
  if (wanted.length > 0 && !wanted.some((letter) => letters.includes(letter))) continue
  try {
    figures.push(...(await run()))
  } catch (error) {
    errors.push(`${letters}: ${error instanceof Error ? error.message : String(error)}`)
  }
  averages.push(loadavg()[0] ?? 0)
}

const machine = { cores: cpus().length, model: cpus()[0]?.model ?? "", node: process.version }
const document = JSON.stringify(
  {
    at: new Date().toISOString(),
    machine: { ...machine, loadAverages: averages },
    figures: figures.map((figure) => ({ ...figure, met: isMet(figure) })),
    errors
  },
  undefined,
  2
)
if (values.out === undefined) console.log(document)
else writeFileSync(values.out, `${document}\n`)
// The table is for whoever watches: what is piped on is the document alone.
console.error(tableOf(figures))
for (const error of errors) console.error(`NOT measured: ${error}`)
process.exit(errors.length > 0 ? 1 : 0)
