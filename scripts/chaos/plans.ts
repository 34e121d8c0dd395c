import type { Status } from "../../src/domain/Status.ts"
import type { Dice } from "./Dice.ts"
import { brokenRef, endlessRef, failingTest } from "./modelDriver.ts"

/** What is done with a record, and how it should end. */
export interface Plan {
  readonly name: string
  readonly kind: Kind
  readonly record: object
  /** Done once its first build runs. */
  readonly next?: { readonly put: object } | "delete"
  /** What is wrong with the status of the ended run; nothing when it is as it should be. */
  readonly fault: (status: Status) => string | undefined
  /** Tests that must have passed for what is published. */
  readonly tests: number
}

export type Kind =
  | "no tests"
  | "tests"
  | "one of a crowd"
  | "broken build"
  | "failing test"
  | "cancelled"
  | "changed"
  | "deleted"

const mix: ReadonlyArray<readonly [Kind, number]> = [
  ["no tests", 3],
  ["tests", 5],
  ["one of a crowd", 2],
  ["broken build", 1],
  ["failing test", 2],
  ["cancelled", 2],
  ["changed", 2],
  ["deleted", 1]
]

/** Images that several jobs build at the same time, and have to take turns for. */
const crowds = 3

export const makePlan = (dice: Dice, number: number): Plan => {
  const name = `job-${number}`
  const kind = dice.pick(mix)
  const image = kind === "one of a crowd" ? `crowd-${dice.between(0, crowds)}` : name
  const base = {
    owner: "chaos",
    repo_url: "https://git.example.com/chaos/app.git",
    git_ref: "main",
    image_name: `chaos/${image}`,
    image_tags: ["latest"],
    registry_url: "registry.example.com:5000"
  }
  const endless = { ...base, git_ref: endlessRef }
  const test = { commands: ["true", "true again"], entry_point: true }
  const plan = (parts: Omit<Plan, "name" | "kind" | "tests"> & { readonly tests?: number }): Plan => ({
    name,
    kind,
    tests: 0,
    ...parts
  })
  switch (kind) {
    case "no tests":
      return plan({ record: base, fault: succeeds })
    case "tests":
    case "one of a crowd":
      return plan({ record: { ...base, test }, fault: succeeds, tests: 3 })
    case "broken build":
      return plan({ record: { ...base, git_ref: brokenRef, test }, fault: fails("build", "CommandFailed") })
    case "failing test": {
      const record = { ...base, test: { commands: ["true", failingTest] } }
      return plan({ record, fault: fails("test", "TestFailed") })
    }
    case "cancelled":
      return plan({
        record: { ...endless, test },
        // Cancelled in the same words, so that it is the run's own record and not another generation.
        next: { put: { ...endless, test, state: "cancelled" } },
        fault: fails(undefined, "Cancelled")
      })
    case "changed":
      return plan({ record: endless, next: { put: { ...base, test } }, fault: succeedsAs(2), tests: 3 })
    case "deleted":
      return plan({ record: endless, next: "delete", fault: fails(undefined, "Deleted") })
  }
}

const succeedsAs =
  (generation: number) =>
  (status: Status): string | undefined =>
    status.status === "SUCCEEDED" && status.generation === generation
      ? undefined
      : `ended as ${shown(status)} instead of generation ${generation} as SUCCEEDED`

const succeeds = succeedsAs(1)

const fails =
  (phase: Status["failed_phase"], reason: Status["reason"]) =>
  (status: Status): string | undefined =>
    status.status === "FAILED" && status.reason === reason && (phase === undefined || status.failed_phase === phase)
      ? undefined
      : `ended as ${shown(status)} instead of FAILED for ${reason}`

const shown = ({ generation, status, reason, failed_phase, error }: Status): string =>
  [`generation ${generation}`, status, reason, failed_phase, error].filter((part) => part !== undefined).join(" ")
