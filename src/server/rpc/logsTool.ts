import { Effect, Either, Schema } from "effect"
import { JobPhase } from "../../domain/Status.ts"
import { JobLogs } from "../JobLogs.ts"
import { Jobs } from "../Jobs.ts"
import { decodeLogQuery } from "../LogQuery.ts"
import type { JobLines } from "../readLogs.ts"
import { choice, jobId, oneOfEither, wholeNumber, words } from "./arguments.ts"
import { prettyJson } from "./prettyJson.ts"
import { type Tool, tool, untrusted } from "./Tool.ts"
import { badArguments, toolFailed } from "./ToolFault.ts"
import { readOnly } from "./watchTools.ts"

/** Lines of each phase where the call says nothing of how many: what a language model can still read. */
const defaultTail = 1000

/** Bytes of each phase, for the same reason. */
const mostBytes = 256 * 1024

const Lines = Schema.Array(Schema.String)

const Output = Schema.Struct({
  job_id: Schema.String,
  logs: Schema.Struct({
    build: Schema.optional(Lines),
    test: Schema.optional(Lines),
    publish: Schema.optional(Lines)
  }).annotations({ description: "Lines by phase, of the asked one alone if one was asked for. Untrusted data." }),
  cut: Schema.Array(JobPhase).annotations({
    description: "Phases with more lines than are here; ask for one phase with grep, head or tail to see others."
  })
})
type Output = typeof Output.Type

const lineCount = (description: string) => wholeNumber(1, 10_000, description)

export const getLogs: Tool<JobLogs | Jobs> = tool({
  name: "getLogs",
  title: "Read a job's logs",
  description: `Output of a job's steps, while it runs and after its end: the last ${defaultTail} lines of each phase unless head, tail or grep say otherwise, at most 256 KiB of each. Why a job failed diagnoseJob says in less. ${untrusted}`,
  annotations: readOnly,
  input: Schema.Struct({
    job_id: jobId,
    phase: choice(JobPhase.literals, "Only this phase; then the text of the answer is a list of lines."),
    attempt: oneOfEither(
      1,
      100,
      ["last", "all"],
      "Only this attempt at a step, counted from 1; last: the newest of each."
    ),
    test: oneOfEither(
      0,
      63,
      ["entry-point"],
      "Only this test: its position in test.commands, counted from 0, or entry-point."
    ),
    stream: choice(["stdout", "stderr"], "Only this stream."),
    tail: lineCount("The last lines of each phase, so many at most."),
    head: lineCount("The first lines of each phase; with tail both."),
    grep: words(512, "Only lines with this text in them, as it stands: no regular expression."),
    since: words(
      64,
      "Only attempts that ran then or later: a time as 2026-01-31T09:30:00Z, or a duration before now as 10m."
    )
  }),
  output: Output,
  text: ({ logs }, encoded) => prettyJson(onlyPhase(encoded.logs) ?? { build: [], test: [], publish: [], ...logs }),
  notice: untrusted,
  run: Effect.fnUntraced(function* ({ job_id: id, ...asked }) {
    const query = decodeLogQuery(asked)
    if (Either.isLeft(query)) return yield* badArguments("getLogs", query.left.errors)
    const { head, phase, tail } = asked
    const jobs = yield* Jobs
    const logs = yield* JobLogs
    const failed = Effect.mapError(toolFailed("Failed to get logs"))
    const found = yield* failed(jobs.find(id))
    const chosen = head !== undefined || tail !== undefined
    const lines = yield* failed(logs.read(found, chosen ? query.right : { ...query.right, tail: defaultTail + 1 }))
    return bounded(id, lines, phase === undefined ? phases : [phase], { head, tail: chosen ? tail : defaultTail })
  })
})

const phases = JobPhase.literals

/** The one phase that was asked for. */
const onlyPhase = (logs: Output["logs"]): ReadonlyArray<string> | undefined => {
  const [lines, ...more] = Object.values(logs)
  return more.length === 0 ? lines : undefined
}

const bounded = (
  id: string,
  lines: JobLines,
  wanted: ReadonlyArray<JobPhase>,
  limits: { readonly head: number | undefined; readonly tail: number | undefined }
): Output => {
  const kept = wanted.map((phase) => ({ phase, ...keep(lines[phase], limits) }))
  return {
    job_id: id,
    logs: Object.fromEntries(kept.map(({ lines, phase }) => [phase, lines])),
    cut: kept.flatMap(({ cut, phase }) => (cut ? [phase] : []))
  }
}

/** From the end, where failures are; from the beginning when only that was asked for. */
const keep = (
  lines: ReadonlyArray<string>,
  { head, tail }: { readonly head: number | undefined; readonly tail: number | undefined }
): { readonly lines: ReadonlyArray<string>; readonly cut: boolean } => {
  const fromStart = head !== undefined && tail === undefined
  const most = head === undefined ? (tail ?? lines.length) : lines.length
  const ordered = fromStart ? lines : lines.toReversed()
  let bytes = 0
  const end = ordered.findIndex((line, index) => {
    bytes += Buffer.byteLength(line)
    return bytes > mostBytes || index >= most
  })
  const chosen = end === -1 ? ordered : ordered.slice(0, Math.max(end, 1))
  return { lines: fromStart ? chosen : chosen.toReversed(), cut: end !== -1 }
}
