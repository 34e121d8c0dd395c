import type { FileSystem, Path } from "@effect/platform"
import { Effect } from "effect"
import type { Consul } from "../../consul/Consul.ts"
import type { ApiError } from "../../http/ApiError.ts"
import { CommandError, exitCodes, usageError } from "../CommandError.ts"
import { Io } from "../Io.ts"
import type { PlanOptions } from "./planChange.ts"
import { asJson, count, leftOver, plural, problemsOf, tellChange, tellPlan, verdict } from "./report.ts"
import { changing, makePlan, type Plan, writePlan, type Written } from "./runPass.ts"

export interface OnceOptions {
  readonly directory: string
  readonly json: boolean
  readonly allowEmpty: boolean
  readonly dryRun: boolean
  readonly exitCode: boolean
}

/** One pass. A fault in any file: nothing is written at all. */
export const syncOnce = Effect.fn("syncOnce")(function* (
  options: PlanOptions,
  once: OnceOptions
): Effect.fn.Return<void, CommandError | ApiError, Consul | Io | FileSystem.FileSystem | Path.Path> {
  const { err } = yield* Io
  const plan = yield* makePlan({ directory: once.directory, options, valid: new Set(), mayPrune: () => true })
  const { faults } = plan.folder
  if (faults.length > 0) {
    yield* err(faults.map(({ text }) => `${text}\n`).join(""))
    return yield* usageError(`${plural(faults.length, "fault", "faults")} in ${once.directory}; nothing was written`)
  }
  if (!once.allowEmpty) yield* refuseToEmpty(once.directory, plan)
  return yield* once.dryRun ? foretell(options, once, plan) : carryOut(options, once, plan)
})

/** A wrong path, or a checkout that failed, must not delete everything. */
const refuseToEmpty = (directory: string, { folder, steps }: Plan): Effect.Effect<void, CommandError> => {
  const deleted = steps.filter(({ change }) => change.outcome === "deleted").length
  return folder.records.length > 0 || deleted === 0
    ? Effect.void
    : usageError(
        `${directory} has no record, so --prune would delete all ${deleted} that were written from it; ` +
          "add --allow-empty if that is meant"
      )
}

const foretell = Effect.fnUntraced(function* (options: PlanOptions, once: OnceOptions, plan: Plan) {
  const { err, out } = yield* Io
  const foretold: Written = { changes: plan.steps.map(({ change }) => change), untried: [], unreachable: undefined }
  const { jobs } = options.keys
  yield* once.json ? out(pretty(asJson(options, foretold, { dryRun: true, jobs }))) : tellPlan(plan, jobs)
  yield* err(lines([...problemsOf(foretold), ...leftOver(foretold.changes)]))
  yield* verdict(foretold)
  const changes = count(foretold.changes, ...changing)
  if (once.exitCode && changes > 0) {
    const message = `${plural(changes, "record", "records")} would change`
    return yield* new CommandError({ message, exitCode: exitCodes.failed })
  }
})

const carryOut = Effect.fnUntraced(function* (options: PlanOptions, once: OnceOptions, plan: Plan) {
  const io = yield* Io
  const tell = once.json ? () => Effect.void : tellChange
  const written = yield* writePlan(options, plan, (change) => Effect.provideService(tell(change), Io, io))
  const unchanged = count(written.changes, "unchanged")
  if (once.json) {
    yield* io.out(pretty(asJson(options, written, { dryRun: false, jobs: options.keys.jobs })))
  } else if (unchanged > 0) {
    yield* io.out(`unchanged ${unchanged}\n`)
  }
  yield* io.err(lines([...problemsOf(written), ...leftOver(written.changes)]))
  yield* verdict(written)
})

const pretty = (value: object): string => `${JSON.stringify(value, null, 2)}\n`

const lines = (texts: ReadonlyArray<string>): string => texts.map((text) => `${text}\n`).join("")
