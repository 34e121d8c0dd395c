import type { Fault, PlacedFault } from "./Fault.ts"
import type { Operation, PlacedOperation, Plan } from "./Plan.ts"
import { Prng } from "./Prng.ts"
import { recordText } from "./scenarios.ts"

/** A random history: the seed says everything. Short, since most bugs need few records and few faults. */
export const historyOf = (seed: number): Plan => {
  const random = new Prng(seed)
  const lives = [...records(random), ...interventions(random), ...outages(random)]
  // Draws of its own: what clients ask for comes on top of a history, and changes nothing else of it.
  const operations = [...lives, ...requests(new Prng(~seed), lives)].toSorted((a, b) => a.at - b.at)
  const last = Math.max(...operations.map(({ at }) => at))
  return {
    seed: random.between(1, 0x7fffffff),
    replicas: random.pick(1, 2, 2),
    operations,
    faults: faults(random),
    calmAt: last + 60_000
  }
}

/** Milliseconds in which operations happen. */
const busy = 60_000

const names = ["web", "api", "team/worker.yaml"] as const

/** Each record begins somehow and may be changed a few times: to other content, to nonsense, cancelled, deleted, put back. */
const records = (random: Prng): ReadonlyArray<PlacedOperation> =>
  names.slice(0, random.pick(1, 1, 2, 2, 3)).flatMap((name) => {
    const first = random.between(0, 5000)
    let fields = someFields(random)
    const begin: PlacedOperation = { at: first, operation: { do: "put", name, text: recordText(fields) } }
    const changes = Array.from({ length: random.pick(0, 0, 1, 1, 2, 3) }, (): PlacedOperation => {
      const at = first + random.between(10, busy)
      const operation = change(random, name, fields)
      if (random.chance(0.5)) fields = someFields(random)
      return { at, operation }
    })
    return [begin, ...changes]
  })

const change = (random: Prng, name: string, fields: Readonly<Record<string, unknown>>): Operation => {
  const kind = random.pick("same", "other", "cancelled", "garbage", "delete", "delete", "other", "cancelled")
  if (kind === "delete") return { do: "delete", name }
  if (kind === "garbage")
    return { do: "put", name, text: random.pick("{", "", "owner: 1\nfoo: bar", '{"owner":"x"}', "[]") }
  if (kind === "same") return { do: "put", name, text: `${recordText(fields)}\n` }
  if (kind === "cancelled") return { do: "put", name, text: recordText({ ...fields, state: "cancelled" }) }
  return { do: "put", name, text: recordText(someFields(random)) }
}

/** Images and refs are few, so that runs want the same slots. */
const someFields = (random: Prng): Readonly<Record<string, unknown>> => ({
  image_name: random.pick("app", "app", "tool"),
  git_ref: random.pick("main", "main", "main", "next", "flaky", "broken"),
  image_tags: random.pick(["latest"], ["latest", "v1"], ["v1"]),
  on_conflict: random.pick("queue", "queue", "queue", "supersede", "reject"),
  ...random.pick<Readonly<Record<string, unknown>>>(
    {},
    { test: { commands: ["true"] } },
    { test: { commands: ["true", "flaky"] } },
    { test: { entry_point: true } },
    { test: { commands: ["exit 1", "true"], entry_point: true } },
    { test: { commands: ["flaky-pull"] } }
  )
})

/** What operators and housekeeping do meanwhile. */
const interventions = (random: Prng): ReadonlyArray<PlacedOperation> =>
  Array.from({ length: random.pick(0, 0, 1, 2) }, () => ({
    at: random.between(1000, busy),
    operation: random.pick<Operation>(
      { do: "collect-garbage" },
      { do: "collect-garbage" },
      { do: "drop-folders" },
      { do: "stop-child", which: random.between(0, 3) },
      { do: "configure", key: "max_attempts", text: random.pick("1", "5") },
      { do: "crash", replica: random.between(0, 1) },
      { do: "crash", replica: random.between(0, 1) }
    )
  }))

/** What clients ask for, of the records that there are. */
const requests = (random: Prng, lives: ReadonlyArray<PlacedOperation>): ReadonlyArray<PlacedOperation> => {
  const known = names.filter((name) => lives.some(({ operation }) => operation.do === "put" && operation.name === name))
  return Array.from({ length: random.pick(0, 0, 1, 1, 2, 4) }, () => {
    const verb = random.pick("kill", "kill", "retry", "retry", "purge", "cleanup", "collect", "orphan")
    const name = known[random.between(0, known.length - 1)] ?? names[0]
    const operation: Operation = verb === "collect" || verb === "orphan" ? { do: verb } : { do: "request", verb, name }
    const at = random.between(500, busy)
    // Some ask twice, one after the other or in the same moment.
    const again = random.pick<ReadonlyArray<number>>([], [], [], [at], [at + random.between(1, 3000)])
    return [at, ...again].map((when) => ({ at: when, operation }))
  }).flat()
}

const outages = (random: Prng): ReadonlyArray<PlacedOperation> => {
  if (!random.chance(0.15)) return []
  const client = random.between(0, 1)
  const at = random.between(1000, busy)
  return [
    { at, operation: { do: "disconnect", client } },
    { at: at + random.between(1000, 150_000), operation: { do: "connect", client } }
  ]
}

const faults = (random: Prng): ReadonlyArray<PlacedFault> =>
  Array.from({ length: random.pick(0, 1, 2, 3, 5, 8) }, () => ({
    at: random.between(1, 400),
    fault: someFault(random)
  }))

const someFault = (random: Prng): Fault =>
  random.pick<Fault>(
    { kind: "crash-before" },
    { kind: "crash-after" },
    { kind: "error-before" },
    { kind: "error-after" },
    { kind: "late-effect", delay: random.pick(12_000, 40_000, 200_000) },
    { kind: "stale", back: random.between(1, 12) },
    { kind: "stale", back: random.between(1, 4) },
    { kind: "unobserved" },
    { kind: "duplicated" },
    { kind: "reordered", delay: random.pick(100, 1000, 8000) },
    { kind: "pause-before", duration: random.pick(2000, 40_000, 150_000) },
    { kind: "pause-after", duration: random.pick(2000, 40_000, 150_000) },
    { kind: "collect-garbage" }
  )
