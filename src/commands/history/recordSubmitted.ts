import type { FileSystem, Path } from "@effect/platform"
import { DateTime, Effect, Option } from "effect"
import type { JobInput } from "../../api/Requests.ts"
import { CommandError, exitCodes } from "../CommandError.ts"
import { fileFault } from "../files/fileFault.ts"
import { makeFolder, writeAtomically } from "../files/writeAtomically.ts"
import { Io } from "../Io.ts"
import { submittedRecord } from "./BuildRecord.ts"
import { enterHistory, historyFolder } from "./HistoryFolder.ts"
import { metadataText } from "./metadataText.ts"

/** Begins the local history of a job that was accepted. Fails when there can be none: the job runs nevertheless. */
export const recordSubmitted = Effect.fnUntraced(function* (options: {
  readonly deployDir: string
  readonly jobId: string
  /** As it was submitted, with all its tags. */
  readonly job: JobInput
}): Effect.fn.Return<void, CommandError, FileSystem.FileSystem | Io | Path.Path> {
  const { deployDir, job, jobId } = options
  const paths = yield* historyFolder(deployDir, jobId)
  if (Option.isNone(paths)) return yield* unrecorded(jobId, "its id can't be the name of a folder")
  const { folder, metadata } = paths.value
  const record = submittedRecord(jobId, job, yield* DateTime.nowAsDate)
  yield* Effect.zipRight(makeFolder(folder), writeAtomically(metadata, metadataText(record))).pipe(
    Effect.catchAll((error) => unrecorded(jobId, fileFault(error)))
  )
  yield* enterHistory(paths.value, record)
  const { err } = yield* Io
  yield* err(`History recorded to: ${folder}\n`)
})

const unrecorded = (jobId: string, why: string): Effect.Effect<never, CommandError> =>
  Effect.fail(
    new CommandError({
      message: `job ${JSON.stringify(jobId)} was submitted, but its history can't be recorded: ${why}`,
      exitCode: exitCodes.failed
    })
  )
