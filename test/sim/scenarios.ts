import type { JobRequest } from "../../src/domain/Snapshot.ts"
import type { Plan, PlacedOperation } from "./Plan.ts"

/** A life of one record, and how it may end when something goes wrong on the way. */
export interface Scenario {
  readonly name: string
  readonly operations: ReadonlyArray<PlacedOperation>
  readonly outcomes: ReadonlyArray<string>
  /** The record may be gone again before anybody has seen it. */
  readonly brief?: boolean
}

/** The record that all scenarios are about, with changes. */
export const recordText = (fields: Readonly<Record<string, unknown>>): string =>
  JSON.stringify({
    owner: "team",
    repo_url: "https://git.example.com/team/app.git",
    image_name: "app",
    registry_url: "registry.sim:5000/team",
    image_tags: ["latest"],
    ...fields
  })

/** The steady pace of a plan without a seed: a build takes three seconds, everything else one. */
export const scenarioPlan = ({ operations }: Scenario, replicas: number): Plan => ({
  seed: undefined,
  replicas,
  operations: [{ at: 0, operation: { do: "configure", key: "retry_backoff", text: "3s" } }, ...operations],
  faults: [],
  calmAt: 30_000
})

const put = (at: number, fields: Readonly<Record<string, unknown>>): PlacedOperation => ({
  at,
  operation: { do: "put", name: "web", text: recordText(fields) }
})

const ask = (at: number, verb: JobRequest["verb"]): PlacedOperation => ({
  at,
  operation: { do: "request", verb, name: "web" }
})

const begin = 1000
const whileBuilding = 2500
const whileTesting = 4700
const whilePublishing = 5800

const oneCommand = { test: { commands: ["true"] } }
const cancelled = { ...oneCommand, state: "cancelled" }

const succeeded = "web: SUCCEEDED"
const ended = "web: FAILED (Cancelled)"

export const scenarios: ReadonlyArray<Scenario> = [
  { name: "no tests", operations: [put(begin, {})], outcomes: [succeeded] },
  { name: "one command", operations: [put(begin, oneCommand)], outcomes: [succeeded] },
  {
    name: "several tests",
    operations: [put(begin, { test: { commands: ["true", "exit 0"], entry_point: true } })],
    outcomes: [succeeded]
  },
  { name: "entry point", operations: [put(begin, { test: { entry_point: true } })], outcomes: [succeeded] },
  {
    name: "failing build",
    operations: [put(begin, { ...oneCommand, git_ref: "broken" })],
    outcomes: ["web: FAILED (BuildFailed)"]
  },
  {
    name: "failing test",
    operations: [put(begin, { test: { commands: ["exit 3", "true"] } })],
    outcomes: ["web: FAILED (TestFailed)"]
  },
  {
    name: "infrastructure fails once",
    operations: [put(begin, { test: { commands: ["flaky"] }, git_ref: "flaky" })],
    outcomes: [succeeded]
  },
  {
    name: "cancelled while building",
    operations: [put(begin, oneCommand), put(whileBuilding, cancelled)],
    outcomes: [ended]
  },
  {
    name: "cancelled while testing",
    operations: [put(begin, oneCommand), put(whileTesting, cancelled)],
    outcomes: [ended]
  },
  {
    // Whether the wish or the last tag comes first is a matter of luck.
    name: "cancelled while publishing",
    operations: [put(begin, oneCommand), put(whilePublishing, cancelled)],
    outcomes: [ended, succeeded]
  },
  {
    name: "superseded while testing",
    operations: [put(begin, oneCommand), put(whileTesting, { ...oneCommand, git_ref: "next" })],
    outcomes: [succeeded]
  },
  {
    name: "deleted while building",
    operations: [put(begin, oneCommand), { at: whileBuilding, operation: { do: "delete", name: "web" } }],
    outcomes: ["web: FAILED (Deleted)"],
    brief: true
  },
  {
    // Where nobody has led until then there is no run yet that a client could ask to end.
    name: "killed while testing",
    operations: [put(begin, oneCommand), ask(whileTesting, "kill")],
    outcomes: [ended, succeeded]
  },
  {
    // Whether the wish or the last tag comes first is a matter of luck.
    name: "killed while publishing",
    operations: [put(begin, oneCommand), ask(whilePublishing, "kill"), ask(whilePublishing, "kill")],
    outcomes: [ended, succeeded]
  },
  {
    name: "failing build, retried and purged",
    operations: [put(begin, { ...oneCommand, git_ref: "broken" }), ask(6000, "retry"), ask(12_000, "purge")],
    outcomes: ["web: FAILED (BuildFailed)"]
  },
  {
    name: "one command, cleaned up once more, with an orphan beside it",
    operations: [
      put(begin, oneCommand),
      { at: whileTesting, operation: { do: "orphan" } },
      { at: whilePublishing, operation: { do: "collect" } },
      ask(10_000, "cleanup")
    ],
    outcomes: [succeeded]
  },
  {
    name: "garbage, then a good record",
    operations: [{ at: begin, operation: { do: "put", name: "web", text: "{ owner: [" } }, put(whileBuilding, {})],
    outcomes: [succeeded]
  }
]

/** What every run of the tests has time for where a sweep has many faults to play: one life of each kind. */
export const everyday: ReadonlyArray<Scenario> = scenarios.filter(({ name }) =>
  [
    "no tests",
    "one command",
    "failing test",
    "cancelled while publishing",
    "deleted while building",
    "garbage, then a good record"
  ].includes(name)
)
