import { Effect, Either } from "effect"
import { newestOf } from "../domain/phaseState.ts"
import type { Attempt, JobPhase, Status } from "../domain/Status.ts"
import type { ApiError } from "../http/ApiError.ts"
import { LogArchive, type LogStream } from "../store/LogArchive.ts"
import { fitLines, type LineBlock } from "./fitLines.ts"
import type { WebhookLogs } from "./WebhookPayload.ts"

/** What the steps of a run have written, as it can be told. */
export interface RunLogs {
  /** Within so many bytes of JSON; the ends are kept. */
  readonly within: (bytes: number) => { readonly logs: WebhookLogs; readonly truncated: boolean }
}

/**
 * Reads the archived logs of a run's last tries, in the lines that the log endpoint has. Of logs that can't be had the last
 * lines that the status keeps stand in. Only an outage fails it.
 */
export const readRunLogs = Effect.fn("readRunLogs")(function* (
  status: Status
): Effect.fn.Return<RunLogs, ApiError, LogArchive> {
  const found = yield* Effect.forEach(
    phases.flatMap((phase) => newestOf(status.attempts, phase).map((attempt, index) => ({ attempt, index }))),
    ({ attempt, index }) =>
      Effect.map(blocksOf(status.name, attempt, index), (blocks) => ({ phase: attempt.phase, blocks })),
    { concurrency: 4 }
  )
  const parts = found.flatMap(({ blocks, phase }) => blocks.map((block) => ({ phase, block })))
  const all = parts.map(({ block }) => block)
  return {
    within: (bytes) => {
      const { blocks, truncated } = fitLines(all, bytes)
      const of = (phase: JobPhase) => blocks.filter((_, at) => parts[at]?.phase === phase).flat()
      return { logs: { build: of("build"), test: of("test"), publish: of("publish") }, truncated }
    }
  }
})

const phases: ReadonlyArray<JobPhase> = ["build", "test", "publish"]

const blocksOf = Effect.fnUntraced(function* (name: string, attempt: Attempt, index: number) {
  const { nomad_job_id: id, outcome, phase } = attempt
  const header = phase === "test" ? [`=== Test Job ${index} (${id}) ===`] : []
  const kept = outcome !== undefined && "log_tail" in outcome ? (outcome.log_tail ?? []) : []
  if (outcome?.logs !== "archived") return [{ header, lines: kept, prefix: "" }]
  if (outcome.log_bytes === 0) return [{ header, lines: [], prefix: "" }]
  const [stdout, stderr] = yield* Effect.all([streamOf(name, id, "stdout"), streamOf(name, id, "stderr")])
  const read = [stdout, stderr].filter(({ lines }) => lines.length > 0)
  const [first = { header: [], lines: kept, prefix: "" }, ...rest] = read
  return [{ ...first, header }, ...rest]
})

const streamOf = Effect.fnUntraced(function* (
  name: string,
  nomadJobId: string,
  stream: LogStream
): Effect.fn.Return<LineBlock, ApiError, LogArchive> {
  const archive = yield* LogArchive
  const prefix = `[main/${stream}] `
  const read = yield* Effect.either(archive.read(name, nomadJobId, stream))
  if (Either.isRight(read)) return { header: [], lines: linesOf(read.right, prefix), prefix }
  // A damaged or forbidden log is no reason to tell nothing at all.
  return read.left._tag === "Unavailable" ? yield* read.left : { header: [], lines: [], prefix }
})

/** Bytes of one stream that are looked at: no message has room for more. */
const looked = 128 * 1024

const linesOf = (content: Uint8Array, prefix: string): ReadonlyArray<string> => {
  const cut = content.length > looked
  const lines = new TextDecoder().decode(content.subarray(-looked)).split("\n")
  // Of the first one only the end is there.
  return (cut && lines.length > 1 ? lines.slice(1) : lines)
    .map((line) => line.trimEnd())
    .filter((line) => line !== "")
    .map((line) => `${prefix}${line}`)
}
