import { Effect, Either, Option, Schema } from "effect"
import { type Collected, nothingCollected, type StepFailure, type StepResult } from "../domain/Snapshot.ts"
import type { Attempt, Phase, Usage } from "../domain/Status.ts"
import type { ApiError } from "../http/ApiError.ts"
import { type ScriptFailureReason, scriptFailures } from "../jobspec/ScriptFailure.ts"
import { BuildResult, PublishResult, StepFailure as ReportedFailure } from "../jobspec/StepResult.ts"
import { Nomad } from "../nomad/Nomad.ts"
import type { Redactor } from "../redaction/Redactor.ts"
import { type BoundedLog, makeLogWindow, tailKept } from "../store/BoundedLog.ts"
import { type Archived, LogArchive, type LogStream } from "../store/LogArchive.ts"
import { bothOf } from "./bothOf.ts"

/**
 * Brings an ended child's logs and report to safety, before Nomad forgets them, and leaves the secrets behind. Repeating it
 * changes nothing.
 *
 * Nomad's refusals are part of the answer; only the store's own errors fail it.
 */
export const collect = Effect.fnUntraced(function* (
  name: string,
  attempt: Attempt,
  { allocationId, succeeded }: EndedChild,
  redactor: Redactor
): Effect.fn.Return<Collected, ApiError, Nomad | LogArchive> {
  if (Option.isNone(allocationId)) return nothingCollected
  const id = allocationId.value
  const first = yield* readBoth(id, redactor)
  const { failure, result } = yield* reports(id, attempt.phase, succeeded)
  const read = Option.isSome(result.value) ? first : yield* lookAgain(id, first, redactor)
  const save = (stream: LogStream) => saveLog(name, attempt, stream, read[stream])
  // An empty one has nothing that the other would wait for.
  const oneByOne = isEmpty(read.stdout) || isEmpty(read.stderr)
  const [stdout, stderr] = yield* oneByOne
    ? Effect.zip(save("stdout"), save("stderr"))
    : bothOf(save("stdout"), save("stderr"))
  const logs = [stdout, stderr]
  const unreachable = [...logs.map(({ state }) => state), result.state, failure.state].includes("unreachable")
  const reported = Option.orElse(
    Option.flatMapNullable(result.value, ({ usage }) => usage),
    () => Option.flatMapNullable(failure.value, ({ usage }) => usage)
  )
  return {
    ...Option.match(reported, { onNone: () => ({}), onSome: (usage) => ({ usage: toUsage(usage) }) }),
    // One stream of two is no log: Nomad forgot it between the two reads.
    logs: unreachable ? "unreachable" : logs.some(({ state }) => state === "gone") ? "none" : "archived",
    logBytes: stdout.archived.bytes + stderr.archived.bytes,
    logTruncated: stdout.archived.truncated || stderr.archived.truncated,
    tail: [...stdout.tail, ...stderr.tail],
    result: Option.map(result.value, toResult),
    failure: Option.map(Option.flatMap(failure.value, toFailure), (told) => ({
      ...told,
      message: redactor.text(told.message)
    }))
  }
})

/** A child whose tasks are over. */
export interface EndedChild {
  /** None: it never ran. */
  readonly allocationId: Option.Option<string>
  readonly succeeded: boolean
}

/** Where a step's script leaves its report, relative to the allocation's directory. */
const resultFile = "alloc/result.json"
const failureFile = "alloc/failure.json"

/** The task that each of our jobs has. */
const task = "main"

type ReadLog = Either.Either<BoundedLog, ApiError>

type ReadLogs = Readonly<Record<LogStream, ReadLog>>

const readBoth = (allocationId: string, redactor: Redactor): Effect.Effect<ReadLogs, never, Nomad> => {
  const read = (stream: LogStream) => Effect.either(readLog(allocationId, stream, redactor))
  return Effect.map(bothOf(read("stdout"), read("stderr")), ([stdout, stderr]) => ({ stdout, stderr }))
}

/**
 * A file that goes between being listed and being opened looks like an empty one: a second look finds it gone, and the
 * other with it. A report that was read after the logs has proved that they were there.
 */
const lookAgain = Effect.fnUntraced(function* (allocationId: string, logs: ReadLogs, redactor: Redactor) {
  const stream = (["stdout", "stderr"] as const).find((name) => isEmpty(logs[name]))
  if (stream === undefined) return logs
  return { ...logs, [stream]: yield* Effect.either(readLog(allocationId, stream, redactor)) }
})

const isEmpty = Either.match({ onLeft: () => false, onRight: ({ bytes }: BoundedLog) => bytes === 0 })

const saveLog = Effect.fnUntraced(function* (name: string, attempt: Attempt, stream: LogStream, read: ReadLog) {
  const archive = yield* LogArchive
  if (Either.isRight(read)) {
    const archived = yield* archive.write(name, attempt.nomad_job_id, stream, read.right)
    return { state: "read" as const, archived, tail: lastLines(stream, read.right.kept) }
  }
  if (unread(read.left) === "unreachable") return { state: "unreachable" as const, archived: empty, tail: [] }
  // Nomad may have forgotten it since an earlier pass brought it to safety and was interrupted.
  const earlier = yield* archive.find(name, attempt.nomad_job_id, stream)
  if (Option.isNone(earlier)) return { state: "gone" as const, archived: empty, tail: [] }
  const kept = yield* archive.read(name, attempt.nomad_job_id, stream)
  return { state: "read" as const, archived: earlier.value, tail: lastLines(stream, kept) }
})

/** Reads a log in slices, so that a huge one never lies in memory whole. */
const readLog = Effect.fnUntraced(function* (
  allocationId: string,
  stream: LogStream,
  redactor: Redactor
): Effect.fn.Return<BoundedLog, ApiError, Nomad> {
  const nomad = yield* Nomad
  const window = makeLogWindow()
  const head = redactor.stream()
  for (let offset = 0; offset < mostRead; offset += sliceBytes) {
    const slice = yield* nomad.logs(allocationId, task, stream, { offset, limit: sliceBytes })
    window.add(head.add(slice))
    if (slice.length < sliceBytes) {
      window.add(head.end())
      return window.end()
    }
  }
  window.leap()
  const end = yield* nomad.logs(allocationId, task, stream, { origin: "end", offset: tailKept, limit: tailKept })
  window.add(redactor.bytes(end))
  return window.end()
})

const sliceBytes = 4 * 1024 * 1024

/** Beyond this only the end is read: no settings of Nomad's that make sense keep so much. */
const mostRead = 64 * sliceBytes

const empty: Archived = { bytes: 0, truncated: false }

/** What is forgotten stays so; a node that can't be reached may come back, and a right that is missing may be given. */
const unread = (error: ApiError): "unreachable" | "gone" =>
  error._tag === "NotFound" || error._tag === "Invalid" ? "gone" : "unreachable"

const report = Effect.fnUntraced(function* <A, I>(allocationId: string, path: string, schema: Schema.Schema<A, I>) {
  const nomad = yield* Nomad
  const read = yield* Effect.either(nomad.readFile(allocationId, path))
  if (Either.isLeft(read)) return { state: unread(read.left), value: Option.none<A>() }
  const decode = Schema.decodeUnknownOption(schema)
  return {
    state: "read" as const,
    value: Option.flatMap(read.right, (bytes) => decode(new TextDecoder().decode(bytes)))
  }
})

/** A step that leaves its result did not give up, nor did one that leaves none and succeeded. */
const reports = Effect.fnUntraced(function* (allocationId: string, phase: Phase, succeeded: boolean) {
  const proves = phase === "build" || phase === "publish"
  const result = proves ? yield* report(allocationId, resultFile, StepReport) : unasked
  const gaveUp = Option.isNone(result.value) && (proves || !succeeded)
  const failure = gaveUp ? yield* report(allocationId, failureFile, ReportedFailure) : unasked
  return { result, failure }
})

const unasked = { state: "read", value: Option.none() } as const

/** A publish step has no commit to tell. */
const StepReport = Schema.Union(BuildResult, PublishResult)

const toResult = (report: typeof StepReport.Type): StepResult => ({
  digest: report.digest,
  commit: "commit" in report ? Option.some(report.commit) : Option.none()
})

/** From bytes and KiB to MB. */
const toUsage = ({ cpu, disk, memory }: Usage): Usage => ({
  cpu,
  memory: Math.ceil(memory / 1024 ** 2),
  disk: Math.ceil(disk / 1024)
})

/** A reason that no script of ours gives was not written by one. */
const toFailure = ({ reason, message }: typeof ReportedFailure.Type): Option.Option<StepFailure> =>
  isScriptFailure(reason)
    ? Option.some({ reason, message, transient: scriptFailures[reason].transient })
    : Option.none()

const isScriptFailure = (reason: string): reason is ScriptFailureReason => Object.hasOwn(scriptFailures, reason)

const tailLines = 12

/** Bytes of one stream's last lines, as JSON has them: sixty tests may each add theirs to one status. */
const tailBytes = 600

/** The end of a stream, as the log endpoint writes its lines. */
const lastLines = (stream: LogStream, content: Uint8Array): ReadonlyArray<string> => {
  const lines = new TextDecoder()
    .decode(content.subarray(-tailBytes * 2))
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => line !== "")
    .slice(-tailLines)
    .map((line) => `[${task}/${stream}] ${line}`)
  return within(tailBytes, lines)
}

/** As many of the last lines as fit; of a single line that doesn't, its end. */
const within = (bytes: number, lines: ReadonlyArray<string>): ReadonlyArray<string> => {
  const sizes = lines.map((line) => Buffer.byteLength(JSON.stringify(line)))
  const total = sizes.reduce((sum, size) => sum + size, 0)
  if (total <= bytes) return lines
  return lines.length > 1
    ? within(bytes, lines.slice(1))
    : lines.map((line) => `…${line.slice(-Math.floor(bytes / 7))}`)
}
