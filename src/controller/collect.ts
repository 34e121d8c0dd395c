import { Effect, Either, Option, Schema } from "effect"
import { type Collected, nothingCollected, type StepFailure, type StepResult } from "../domain/Snapshot.ts"
import type { Attempt } from "../domain/Status.ts"
import type { ApiError } from "../http/ApiError.ts"
import { type ScriptFailureReason, scriptFailures } from "../jobspec/ScriptFailure.ts"
import { BuildResult, PublishResult, StepFailure as ReportedFailure } from "../jobspec/StepResult.ts"
import { Nomad } from "../nomad/Nomad.ts"
import { type Archived, LogArchive, type LogStream } from "../store/LogArchive.ts"

/**
 * Brings an ended child's logs and report to safety, before Nomad forgets them. Repeating it changes nothing.
 *
 * Nomad's refusals are part of the answer; only the store's own errors fail it.
 */
export const collect = Effect.fn("collect")(function* (
  name: string,
  attempt: Attempt,
  allocationId: Option.Option<string>
): Effect.fn.Return<Collected, ApiError, Nomad | LogArchive> {
  if (Option.isNone(allocationId)) return nothingCollected
  const id = allocationId.value
  const [stdout, stderr, result, failure] = yield* Effect.all(
    [
      saveLog(name, attempt, id, "stdout"),
      saveLog(name, attempt, id, "stderr"),
      report(id, resultFile, StepReport),
      report(id, failureFile, ReportedFailure)
    ],
    { concurrency: 4 }
  )
  const logs = [stdout, stderr]
  const unreachable = [...logs.map(({ state }) => state), result.state, failure.state].includes("unreachable")
  return {
    logs: unreachable ? "unreachable" : logs.every(({ state }) => state === "gone") ? "none" : "archived",
    logBytes: stdout.archived.bytes + stderr.archived.bytes,
    logTruncated: stdout.archived.truncated || stderr.archived.truncated,
    tail: [...stdout.tail, ...stderr.tail],
    result: Option.map(result.value, toResult),
    failure: Option.flatMap(failure.value, toFailure)
  }
})

/** Where a step's script leaves its report, relative to the allocation's directory. */
const resultFile = "alloc/result.json"
const failureFile = "alloc/failure.json"

/** The task that each of our jobs has. */
const task = "main"

/** More than Nomad keeps of one stream by our job specs. */
const mostBytes = 128 * 1024 * 1024

const saveLog = Effect.fnUntraced(function* (name: string, attempt: Attempt, allocationId: string, stream: LogStream) {
  const nomad = yield* Nomad
  const archive = yield* LogArchive
  const read = yield* Effect.either(nomad.logs(allocationId, task, stream, { limit: mostBytes }))
  if (Either.isLeft(read)) return { state: unread(read.left), archived: empty, tail: [] }
  const archived = yield* archive.write(name, attempt.nomad_job_id, stream, read.right)
  return { state: "read" as const, archived, tail: lastLines(stream, read.right) }
})

const empty: Archived = { bytes: 0, truncated: false }

/** A node that can't be reached may come back; whatever else Nomad says, it says for good. */
const unread = (error: ApiError): "unreachable" | "gone" => (error._tag === "Unavailable" ? "unreachable" : "gone")

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

/** A publish step has no commit to tell. */
const StepReport = Schema.Union(BuildResult, PublishResult)

const toResult = (report: typeof StepReport.Type): StepResult => ({
  digest: report.digest,
  commit: "commit" in report ? Option.some(report.commit) : Option.none()
})

/** A reason that no script of ours gives was not written by one. */
const toFailure = ({ reason, message }: typeof ReportedFailure.Type): Option.Option<StepFailure> =>
  isScriptFailure(reason)
    ? Option.some({ reason, message, transient: scriptFailures[reason].transient })
    : Option.none()

const isScriptFailure = (reason: string): reason is ScriptFailureReason => Object.hasOwn(scriptFailures, reason)

const tailLines = 15
const tailLineBytes = 400

/** The end of a stream, as the log endpoint writes its lines. */
const lastLines = (stream: LogStream, content: Uint8Array): ReadonlyArray<string> =>
  new TextDecoder()
    .decode(content.subarray(-tailLines * 4 * tailLineBytes))
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => line !== "")
    .slice(-tailLines)
    .map((line) => `[${task}/${stream}] ${line.slice(0, tailLineBytes)}`)
