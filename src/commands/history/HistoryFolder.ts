import { type FileSystem, Path } from "@effect/platform"
import type { PlatformError } from "@effect/platform/Error"
import { Effect, Option } from "effect"
import { fileFault } from "../files/fileFault.ts"
import type { LockBusy } from "../files/lockFile.ts"
import { updateFile } from "../files/updateFile.ts"
import { Io } from "../Io.ts"
import type { BuildRecord } from "./BuildRecord.ts"
import { historyText } from "./historyText.ts"

/** Where the local history of one build is. */
export interface HistoryFolder {
  readonly folder: string
  readonly metadata: string
  readonly status: string
  readonly log: (phase: "build" | "test" | "publish") => string
  /** Of all builds. */
  readonly history: string
}

/** None for an id that can't be the name of a folder: it comes from a server and could lead anywhere. */
export const historyFolder = (
  deployDir: string,
  jobId: string
): Effect.Effect<Option.Option<HistoryFolder>, never, Path.Path> =>
  Effect.map(Path.Path, ({ join }) => {
    if (!safeName.test(jobId)) return Option.none()
    const folder = join(deployDir, "builds", jobId)
    return Option.some({
      folder,
      metadata: join(folder, "metadata.yaml"),
      status: join(folder, "status.md"),
      log: (phase) => join(folder, `${phase}.log`),
      history: join(deployDir, "history.md")
    })
  })

/** Puts the build into the history of all, where other processes put theirs. */
export const enterHistory = (
  { history }: HistoryFolder,
  record: BuildRecord
): Effect.Effect<void, never, FileSystem.FileSystem | Io | Path.Path> =>
  warned(
    history,
    updateFile(history, (text) =>
      historyText(
        Option.getOrElse(text, () => ""),
        record
      )
    )
  )

/** The job goes on whatever becomes of its history, so the trouble is told and no more. */
export const warned = <R>(
  path: string,
  write: Effect.Effect<void, LockBusy | PlatformError, R>
): Effect.Effect<void, never, Io | R> =>
  Effect.catchAll(write, (error) =>
    Effect.flatMap(Io, ({ err }) => err(`Warning: ${path} is not written: ${fileFault(error)}\n`))
  )

/** UUIDs, and whatever else is one plain name. */
const safeName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/
