import { parseArgs } from "node:util"
import { measure } from "./hostile/measure.ts"

const { values } = parseArgs({
  options: {
    hostile: { type: "string", default: "10000" },
    megabytes: { type: "string", default: "64" },
    good: { type: "string", default: "100" },
    rounds: { type: "string", default: "3" },
    seed: { type: "string", default: "1" }
  }
})

const figures = await measure(
  {
    hostile: Number(values.hostile),
    bytes: Number(values.megabytes) * 1024 * 1024,
    good: Number(values.good),
    rounds: Number(values.rounds),
    seed: Number(values.seed),
    flood: true
  },
  (line) => console.log(line)
)
const mebibytes = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(0)} MiB`
const slower = (beside: number, alone: number) => `${((100 * beside) / alone - 100).toFixed(0)} %`
const lines = [
  `consul      ${figures.consul}`,
  `beside      ${figures.alone.elapsed} ms alone, ${figures.beside.elapsed} ms beside: ${slower(figures.beside.elapsed, figures.alone.elapsed)} slower`,
  `processor   ${figures.alone.cpu} ms alone, ${figures.beside.cpu} ms beside: ${slower(figures.beside.cpu, figures.alone.cpu)} more`,
  `refused     ${values.hostile} records (${mebibytes(figures.bytes)}) in ${figures.refusing} ms, ${figures.unanswered.length} without a reason`,
  `memory      ${mebibytes(figures.memoryAlone)} alone, ${mebibytes(figures.memory)} at most`
]
for (const line of lines) console.log(line)
if (figures.flood !== undefined) {
  const { alone, among } = figures.flood
  console.log(`at a start  ${alone} ms alone, ${among} ms among them: ${slower(among, alone)} slower`)
}
const good = figures.beside.elapsed <= 1.2 * figures.alone.elapsed && figures.unanswered.length === 0
console.log(good ? "all is well" : "NOT as it should be")
process.exit(good ? 0 : 1)
