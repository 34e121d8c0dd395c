import type { FileSystem, Path } from "@effect/platform"
import { Effect, Either, Option, Schema } from "effect"
import type { JobLog } from "../../api/Answers.ts"
import type { JobState } from "../../api/JobState.ts"
import type { JobInput } from "../../api/Requests.ts"
import { parseRecordText } from "../../domain/parseRecordText.ts"
import { readIfThere } from "../files/readIfThere.ts"
import { makeFolder, writeAtomically } from "../files/writeAtomically.ts"
import type { Io } from "../Io.ts"
import { endedRecord, submittedRecord } from "./BuildRecord.ts"
import { enterHistory, historyFolder, warned } from "./HistoryFolder.ts"
import { metadataText } from "./metadataText.ts"
import { statusText } from "./statusText.ts"
import { redactorOf } from "./withoutSecrets.ts"

/** Completes the local history of a job that has ended. Trouble with it is told and fails nothing. */
export const recordEnded = Effect.fnUntraced(function* (options: {
  readonly deployDir: string
  readonly jobId: string
  /** As it was submitted, with all its tags. */
  readonly job: JobInput
  readonly state: JobState
  readonly logs: Option.Option<JobLog>
}): Effect.fn.Return<void, never, FileSystem.FileSystem | Io | Path.Path> {
  const { deployDir, job, jobId, logs, state } = options
  const found = yield* historyFolder(deployDir, jobId)
  // `recordSubmitted` refused it, with a reason.
  if (Option.isNone(found)) return
  const paths = found.value
  const submittedAt = Option.getOrElse(yield* submissionTime(paths.metadata), () => new Date(state.created_at))
  const record = endedRecord(submittedRecord(jobId, job, submittedAt), job, state)
  yield* warned(paths.folder, makeFolder(paths.folder))
  const { text: redacted } = redactorOf(job)
  yield* Effect.forEach(["build", "test", "publish"] as const, (phase) => {
    const lines = Option.match(logs, { onNone: () => [], onSome: (log) => log.logs[phase] })
    const path = paths.log(phase)
    return lines.length === 0 ? Effect.void : warned(path, writeAtomically(path, redacted(lines.join("\n"))))
  })
  yield* warned(paths.metadata, writeAtomically(paths.metadata, metadataText(record)))
  yield* warned(paths.status, writeAtomically(paths.status, statusText(record)))
  yield* enterHistory(paths, record)
})

/** As the metadata have it; none where there are none that can be read. */
const submissionTime = (path: string): Effect.Effect<Option.Option<Date>, never, FileSystem.FileSystem> =>
  Effect.map(
    Effect.orElseSucceed(readIfThere(path), () => Option.none<string>()),
    Option.flatMap((text) => Either.getRight(parseRecordText(text)))
  ).pipe(Effect.map(Option.flatMap(decodeMetadata)), Effect.map(Option.map(({ submitted_at }) => submitted_at)))

const decodeMetadata = Schema.decodeUnknownOption(Schema.Struct({ submitted_at: Schema.Date }))
