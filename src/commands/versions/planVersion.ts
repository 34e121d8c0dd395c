import type { CommandExecutor, FileSystem, Path } from "@effect/platform"
import type { PlatformError } from "@effect/platform/Error"
import { Effect, ExecutionStrategy, Exit, Scope } from "effect"
import { CommandError, exitCodes } from "../CommandError.ts"
import { fileFault } from "../files/fileFault.ts"
import { lockFile } from "../files/lockFile.ts"
import { makeFolder } from "../files/writeAtomically.ts"
import { Io } from "../Io.ts"
import { CurrentBranch, currentBranch } from "./currentBranch.ts"
import { branchTag, byAge, formatVersion, nextPatch, type Version, versionTag } from "./Version.ts"
import { readVersion, versionPath, writeVersion } from "./VersionFile.ts"

/** The version that a submission is to have. */
export interface VersionPlan {
  /** What the image is tagged with on its account: one tag, or none. */
  readonly tags: ReadonlyArray<string>
  /** What people are told. */
  readonly lines: ReadonlyArray<string>
  /** To be run when the job was accepted: the version is used up. What goes wrong here is told and fails nothing. */
  readonly commit: Effect.Effect<void>
}

type Requirements = CommandExecutor.CommandExecutor | FileSystem.FileSystem | Io | Path.Path

/**
 * The next patch of the folder's version.
 *
 * Until `commit`, or the end of the scope, nobody else gets a version in this folder: two submissions at the same time
 * would put two images under one tag. A folder that can't be written to costs the tag, not the submission.
 */
export const planVersion = Effect.fnUntraced(function* (options: {
  readonly deployDir: string
  readonly enabled: boolean
}): Effect.fn.Return<VersionPlan, CommandError, Requirements | Scope.Scope> {
  if (!options.enabled) return noVersion
  const { err } = yield* Io
  return yield* planned(options.deployDir).pipe(
    Effect.catchTags({
      LockBusy: ({ message }) => Effect.fail(new CommandError({ message, exitCode: exitCodes.failed })),
      SystemError: (error) => Effect.as(err(noTag(error)), noVersion),
      BadArgument: (error) => Effect.as(err(noTag(error)), noVersion)
    })
  )
})

const noVersion: VersionPlan = { tags: [], lines: [], commit: Effect.void }

const noTag = (error: PlatformError): string =>
  `Warning: the image gets no version tag: ${fileFault(error)}; --no-version asks for none\n`

const planned = Effect.fnUntraced(function* (deployDir: string) {
  yield* makeFolder(deployDir)
  const scope = yield* Scope.fork(yield* Effect.scope, ExecutionStrategy.sequential)
  const { err } = yield* Io
  const path = yield* versionPath(deployDir)
  yield* Scope.extend(lockFile(`${path}.lock`, err(`Waiting for another submission that uses ${path}…\n`)), scope)
  const { version: last } = yield* readVersion(deployDir)
  const version = nextPatch(last)
  const branch = yield* currentBranch
  yield* explainMissing(branch)
  const tag = branch._tag === "Branch" ? branchTag(branch.name, version) : versionTag(version)
  const context = yield* Effect.context<FileSystem.FileSystem | Io | Path.Path>()
  return {
    tags: [tag],
    lines: [
      `Version: ${formatVersion(version)}`,
      ...(branch._tag === "Branch" ? [`Branch: ${branch.name}`] : []),
      `Image tag: ${tag}`
    ],
    commit: save(deployDir, version).pipe(
      Effect.ensuring(Scope.close(scope, Exit.void)),
      Effect.uninterruptible,
      Effect.provide(context)
    )
  }
})

/** The lock may have been lost while this process stood still, so the file is read once more: it never goes back. */
const save = (deployDir: string, version: Version) =>
  Effect.gen(function* () {
    const { err } = yield* Io
    const stored = yield* readVersion(deployDir)
    if (byAge(stored.version, version) >= 0) {
      return yield* err(`Warning: another submission used version ${formatVersion(version)} at the same time\n`)
    }
    yield* writeVersion(deployDir, { version, corrupt: stored.corrupt })
  }).pipe(
    Effect.catchAll((error) =>
      Effect.flatMap(Io, ({ err }) =>
        err(
          `Warning: version ${formatVersion(version)} is used, but the next submission will use it again: ${fileFault(error)}\n`
        )
      )
    )
  )

const explainMissing = (branch: CurrentBranch): Effect.Effect<void, never, Io> =>
  CurrentBranch.$match(branch, {
    Branch: () => Effect.void,
    Detached: () => warn("Git is on no branch (detached HEAD)"),
    Unknown: ({ why }) => warn(`Git knows no branch here (${why})`)
  })

const warn = (why: string): Effect.Effect<void, never, Io> =>
  Effect.flatMap(Io, ({ err }) => err(`Warning: ${why}: the version's tag names none\n`))
