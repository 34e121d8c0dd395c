import type { CommandExecutor, FileSystem, Path } from "@effect/platform"
import type { PlatformError } from "@effect/platform/Error"
import { Effect } from "effect"
import { CommandError, exitCodes, usageError } from "../CommandError.ts"
import { fileFault } from "../files/fileFault.ts"
import { type LockBusy, lockFile } from "../files/lockFile.ts"
import { makeFolder } from "../files/writeAtomically.ts"
import { Io } from "../Io.ts"
import { currentBranch } from "./currentBranch.ts"
import { branchTag, formatVersion, type Version, versionTag } from "./Version.ts"
import { readVersion, versionPath, writeVersion } from "./VersionFile.ts"

/** `version-info`: the version that was last used, and its tags. */
export const versionInfo = Effect.fnUntraced(function* (options: {
  readonly deployDir: string
}): Effect.fn.Return<void, CommandError, CommandExecutor.CommandExecutor | FileSystem.FileSystem | Io | Path.Path> {
  const { out } = yield* Io
  const { version } = yield* Effect.mapError(readVersion(options.deployDir), failed)
  const branch = yield* currentBranch
  const lines = [
    `Version: ${formatVersion(version)}`,
    `Tag: ${versionTag(version)}`,
    ...(branch._tag === "Branch" ? [`Branch: ${branch.name}`, `Branch Tag: ${branchTag(branch.name, version)}`] : [])
  ]
  yield* out(`${lines.join("\n")}\n`)
})

interface ChangeOptions {
  readonly deployDir: string
  /** As it was typed. */
  readonly number: string
}

type Change = Effect.Effect<void, CommandError, FileSystem.FileSystem | Io | Path.Path>

/** `version-major n`: n.0.0 */
export const versionMajor = ({ deployDir, number }: ChangeOptions): Change =>
  Effect.flatMap(countOf(number, "major"), (major) => change(deployDir, () => ({ major, minor: 0, patch: 0 })))

/** `version-minor n`: M.n.0 */
export const versionMinor = ({ deployDir, number }: ChangeOptions): Change =>
  Effect.flatMap(countOf(number, "minor"), (minor) => change(deployDir, ({ major }) => ({ major, minor, patch: 0 })))

const countOf = (text: string, name: "major" | "minor"): Effect.Effect<number, CommandError> => {
  if (/^-\d+$/.test(text) && Number(text) < 0) return Effect.fail(usageError(`${name} version must be non-negative`))
  return /^\d{1,15}$/.test(text)
    ? Effect.succeed(Number(text))
    : Effect.fail(usageError(`invalid ${name} version: ${text} (must be a whole number of at most 15 digits)`))
}

const change = (deployDir: string, to: (version: Version) => Version): Change =>
  Effect.gen(function* () {
    const { out } = yield* Io
    yield* makeFolder(deployDir)
    yield* lockFile(`${yield* versionPath(deployDir)}.lock`)
    const { corrupt, version: before } = yield* readVersion(deployDir)
    const version = to(before)
    yield* writeVersion(deployDir, { version, corrupt })
    yield* out(`Version updated to: ${formatVersion(version)}\n`)
  }).pipe(Effect.scoped, Effect.mapError(failed))

const failed = (error: LockBusy | PlatformError): CommandError =>
  new CommandError({ message: `the version can't be read or saved: ${fileFault(error)}`, exitCode: exitCodes.failed })
