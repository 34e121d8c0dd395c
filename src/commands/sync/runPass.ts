import type { FileSystem, Path } from "@effect/platform"
import { Effect, Ref } from "effect"
import type { Consul } from "../../consul/Consul.ts"
import type { ApiError } from "../../http/ApiError.ts"
import type { CommandError } from "../CommandError.ts"
import { applyChange, type Step } from "./applyChange.ts"
import { type Change, type Outcome, planChange, type PlanOptions } from "./planChange.ts"
import { type Folder, readFolder } from "./readFolder.ts"
import { none, readAllHeld } from "./readHeld.ts"

/** A folder against what Consul holds, before anything is written. */
export interface Plan {
  readonly folder: Folder
  /** Those of files that are at fault are left out: their records stay as they are. */
  readonly steps: ReadonlyArray<Step>
}

export interface Outlook {
  readonly directory: string
  readonly options: PlanOptions
  /** Contents, by their hash, that were found valid before: they aren't judged again. */
  readonly valid: Set<string>
  /** Whether a record without a file may be pruned. */
  readonly mayPrune: (name: string) => boolean
}

export const makePlan = Effect.fn("makePlan")(function* ({
  directory,
  mayPrune,
  options,
  valid
}: Outlook): Effect.fn.Return<Plan, CommandError | ApiError, Consul | FileSystem.FileSystem | Path.Path> {
  const folder = yield* readFolder(directory, options.prefix, valid)
  const held = yield* readAllHeld(options)
  const files = new Map(folder.records.map((record) => [record.name, record]))
  const atFault = folder.faults.map(({ name }) => name)
  const names = [...new Set([...files.keys(), ...held.keys()])].toSorted()
  const steps = names
    .filter((name) => !atFault.some((fault) => (fault.endsWith("/") ? name.startsWith(fault) : name === fault)))
    .map((name): Step => {
      const seen = held.get(name) ?? none(name)
      const file = files.get(name)
      const prune = options.prune && mayPrune(name)
      return { held: seen, file, prune, change: planChange({ ...options, prune }, seen, file) }
    })
  return { folder, steps }
})

export interface Written {
  /** What became of each name, in the order of the names. */
  readonly changes: ReadonlyArray<Change>
  /** Names that weren't tried, since Consul was out of reach. */
  readonly untried: ReadonlyArray<string>
  readonly unreachable: ApiError | undefined
}

/** What writes to a record. */
export const changing: ReadonlySet<Outcome> = new Set(["created", "updated", "restored", "adopted", "deleted"])

/** First what has a file, then what has none: a record that got another name is never without either. */
export const writePlan = Effect.fn("writePlan")(function* (
  options: PlanOptions,
  { steps }: Plan,
  onDone: (change: Change) => Effect.Effect<void>
): Effect.fn.Return<Written, never, Consul> {
  const failure = yield* Ref.make<ApiError | undefined>(undefined)
  const untried: Array<string> = []
  const write = Effect.fnUntraced(function* (step: Step) {
    if ((yield* Ref.get(failure)) !== undefined && step.change.ops.length > 0) {
      untried.push(step.held.name)
      return []
    }
    const result = yield* Effect.either(applyChange({ ...options, prune: step.prune }, step))
    if (result._tag === "Left") {
      yield* Ref.set(failure, result.left)
      untried.push(step.held.name)
      return []
    }
    yield* onDone(result.right)
    return [result.right]
  })
  const all = (some: ReadonlyArray<Step>) => Effect.forEach(some, write, { concurrency: 8 })
  const withFile = yield* all(steps.filter(({ file }) => file !== undefined))
  const without = yield* all(steps.filter(({ file }) => file === undefined))
  return {
    changes: [...withFile, ...without].flat().toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    untried: untried.toSorted(),
    unreachable: yield* Ref.get(failure)
  }
})
