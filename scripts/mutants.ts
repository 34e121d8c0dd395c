import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { type Copy, makeCopy } from "./mutants/Copy.ts"
import { type Mutant, type Verdict, tryMutant } from "./mutants/tryMutant.ts"

/** Each patch here brings one of the known bugs back into `src/`; its name begins with the bug's number. */
const patches = "test/mutants"

/** Share of the mutants that the tests must notice. */
const wanted = 0.95

const { values } = parseArgs({
  options: { only: { type: "string", default: "" }, jobs: { type: "string", default: "2" } }
})

const mutants: ReadonlyArray<Mutant> = readdirSync(patches)
  .filter((file) => file.endsWith(".patch") && file.startsWith(values.only))
  .toSorted((a, b) => Number(a.slice(1, a.indexOf("-"))) - Number(b.slice(1, b.indexOf("-"))) || (a < b ? -1 : 1))
  .map((file) => ({
    name: file.slice(0, -".patch".length),
    bug: file.slice(0, file.indexOf("-")),
    patch: readFileSync(join(patches, file), "utf8")
  }))

/** Each copy takes the next mutant as soon as it is done with one. */
const tryAll = async (copies: ReadonlyArray<Copy>): Promise<ReadonlyArray<readonly [Mutant, Verdict]>> => {
  const left = [...mutants]
  const verdicts: Array<readonly [Mutant, Verdict]> = []
  const work = async (copy: Copy): Promise<void> => {
    for (let mutant = left.shift(); mutant !== undefined; mutant = left.shift()) {
      const verdict = await tryMutant(copy, mutant)
      verdicts.push([mutant, verdict])
      console.log(
        `${verdict.kind.padEnd(9)} ${mutant.name.padEnd(34)} ${verdict.seconds.toFixed(0).padStart(4)} s  ${verdict.by}`
      )
    }
  }
  await Promise.all(copies.map(work))
  return verdicts
}

const copies = await Promise.all(Array.from({ length: Number(values.jobs) }, () => makeCopy()))
const [first] = copies
if (first === undefined || mutants.length === 0) throw new Error("there is nothing to try")
const healthy = await first.runTests(mutants.map(({ bug }) => bug))
if (healthy.failed.length > 0 || healthy.broken !== undefined) {
  console.log(`without any mutant these fail already: ${[...healthy.failed, healthy.broken].join("; ")}`)
  process.exit(2)
}
const verdicts = await tryAll(copies)
for (const copy of copies) copy.remove()
const of = (kind: Verdict["kind"]) => verdicts.filter(([, verdict]) => verdict.kind === kind)
for (const [{ name }, { by }] of [...of("survived"), ...of("invalid")]) console.log(`NOT NOTICED ${name}: ${by}`)
const killed = of("killed").length
const enough = killed >= wanted * verdicts.length && of("invalid").length === 0
console.log(
  `${killed} of ${verdicts.length} killed (${((100 * killed) / verdicts.length).toFixed(1)} %), ` +
    `${of("survived").length} survived, ${of("invalid").length} invalid`
)
process.exit(enough ? 0 : 1)
