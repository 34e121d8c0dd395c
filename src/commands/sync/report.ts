import { Effect } from "effect"
import { CommandError, exitCodes } from "../CommandError.ts"
import { Io } from "../Io.ts"
import { safeLine } from "../safeLine.ts"
import type { Manager } from "./Mark.ts"
import type { Change, Outcome } from "./planChange.ts"
import { changing, type Plan, type Written } from "./runPass.ts"
import { showDiff } from "./showDiff.ts"

/** A change's line on stdout, as it is made. */
export const tellChange = (change: Change): Effect.Effect<void, never, Io> =>
  changing.has(change.outcome)
    ? Effect.flatMap(Io, ({ out }) => out(`${change.outcome} ${safeLine(change.name)}\n`))
    : Effect.void

/** What somebody has to look at, a line each. */
export const problemsOf = ({ changes, untried }: Pick<Written, "changes" | "untried">): ReadonlyArray<string> => [
  ...changes.flatMap(({ file, name, outcome, why }) => {
    if (outcome === "refused") return [safeLine(`Error: ${name}${file === undefined ? "" : ` (${file})`}: ${why}`)]
    return outcome === "kept" ? [safeLine(`Warning: ${name} has no file, but wasn't deleted: ${why}`)] : []
  }),
  ...untried.map((name) => safeLine(`Error: ${name}: not written`))
]

export const count = (changes: ReadonlyArray<Change>, ...outcomes: ReadonlyArray<Outcome>): number =>
  changes.filter(({ outcome }) => outcomes.includes(outcome)).length

/** Records that lost their file, when nobody asked to prune them. */
export const leftOver = (changes: ReadonlyArray<Change>): ReadonlyArray<string> => {
  const left = count(changes, "left")
  return left === 0 ? [] : [`${plural(left, "record has", "records have")} no file any more; --prune deletes them`]
}

export const plural = (number: number, one: string, many: string): string => `${number} ${number === 1 ? one : many}`

/** All of it in one document. */
export const asJson = (
  { manager, prefix }: Manager,
  { changes, untried }: Pick<Written, "changes" | "untried">,
  more: { readonly dryRun: boolean; readonly jobs: string }
) => ({
  prefix,
  manager,
  dry_run: more.dryRun,
  unchanged: count(changes, "unchanged"),
  records: [
    ...changes.flatMap((change) =>
      change.outcome === "unchanged" || change.outcome === "foreign" ? [] : [jsonOf(change, more)]
    ),
    ...untried.map((name) => ({ name, outcome: "untried" }))
  ]
})

const jsonOf = (change: Change, { dryRun, jobs }: { readonly dryRun: boolean; readonly jobs: string }) => ({
  name: change.name,
  outcome: change.outcome,
  ...(change.file === undefined ? {} : { file: change.file }),
  ...(change.why === undefined ? {} : { reason: change.why }),
  ...(dryRun && changing.has(change.outcome) ? { diff: showDiff(change, jobs) } : {})
})

/** What a dry run would do, as one patch on stdout, and in a line on stderr. */
export const tellPlan = Effect.fnUntraced(function* ({ steps }: Plan, jobs: string): Effect.fn.Return<void, never, Io> {
  const { err, out } = yield* Io
  const changes = steps.map(({ change }) => change)
  yield* Effect.forEach(
    changes.filter(({ outcome }) => changing.has(outcome)),
    (change) => out(showDiff(change, jobs)),
    { discard: true }
  )
  const parts = [...changing].map((outcome) => ({ outcome, number: count(changes, outcome) }))
  const would = parts.flatMap(({ number, outcome }) => (number === 0 ? [] : [`${number} ${outcome}`]))
  const words = would.length === 0 ? "nothing would change" : `would be ${would.join(", ")}`
  yield* err(`${words}; unchanged ${count(changes, "unchanged")}\n`)
})

/** What a run ends with, when not all of it could be done. */
export const verdict = ({ changes, unreachable, untried }: Written): Effect.Effect<void, CommandError> => {
  const refused = count(changes, "refused")
  if (unreachable !== undefined) {
    const missing = plural(untried.length + refused, "record was", "records were")
    return new CommandError({
      message: `${unreachable.message}; ${missing} not written, running this again completes it`,
      exitCode: exitCodes.unreachable
    })
  }
  if (refused === 0) return Effect.void
  return new CommandError({
    message: `${plural(refused, "record was", "records were")} not written`,
    exitCode: exitCodes.failed
  })
}
