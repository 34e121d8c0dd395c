import { makeCorpus } from "../test/diagnosis/makeCorpus.ts"

// usage: tsx scripts/corpus.ts BASES [NAME…], as root; BASES is a folder for base images that later runs use again.
const [bases, ...names] = process.argv.slice(2)
if (bases === undefined) {
  console.error("usage: tsx scripts/corpus.ts BASES [NAME…]")
  process.exitCode = 2
} else {
  await makeCorpus(bases, names)
}
