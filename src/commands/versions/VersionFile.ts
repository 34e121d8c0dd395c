import { FileSystem, Path } from "@effect/platform"
import type { PlatformError } from "@effect/platform/Error"
import { Clock, Effect, Either, Option, Schema } from "effect"
import { parseRecordText } from "../../domain/parseRecordText.ts"
import { readIfThere } from "../files/readIfThere.ts"
import { writeAtomically } from "../files/writeAtomically.ts"
import { Io } from "../Io.ts"
import { firstVersion, Version } from "./Version.ts"

/** What a folder's version file says. */
export interface StoredVersion {
  /** 0.0.0 where there is no file, and where it says nothing that can be read. */
  readonly version: Version
  readonly corrupt: boolean
}

export const versionPath = (deployDir: string): Effect.Effect<string, never, Path.Path> =>
  Effect.map(Path.Path, ({ join }) => join(deployDir, "version.yaml"))

/** Says so on stderr when the file can't be read as a version. */
export const readVersion = Effect.fnUntraced(function* (
  deployDir: string
): Effect.fn.Return<StoredVersion, PlatformError, FileSystem.FileSystem | Path.Path | Io> {
  const path = yield* versionPath(deployDir)
  const text = yield* readIfThere(path)
  if (Option.isNone(text)) return { version: firstVersion, corrupt: false }
  const content = Option.flatMap(Either.getRight(parseRecordText(text.value)), decodeContent)
  if (Option.isSome(content)) return { version: content.value.version, corrupt: false }
  const { err } = yield* Io
  yield* err(`Warning: ${path} holds no version: 0.0.0 is taken instead\n`)
  return { version: firstVersion, corrupt: true }
})

/** A corrupt file, which somebody may still want to read, is kept beside the new one. */
export const writeVersion = Effect.fnUntraced(function* (
  deployDir: string,
  { corrupt, version }: StoredVersion
): Effect.fn.Return<void, PlatformError, FileSystem.FileSystem | Path.Path | Io> {
  const path = yield* versionPath(deployDir)
  if (corrupt) yield* keepAside(path)
  yield* writeAtomically(path, textOf(version))
})

const decodeContent = Schema.decodeUnknownOption(Schema.Struct({ version: Version }))

const keepAside = Effect.fnUntraced(function* (path: string) {
  const fs = yield* FileSystem.FileSystem
  const { err } = yield* Io
  const aside = `${path}.corrupt-${yield* Clock.currentTimeMillis}`
  yield* fs.copyFile(path, aside)
  yield* err(`Warning: what ${path} held is kept as ${aside}\n`)
})

const textOf = ({ major, minor, patch }: Version): string =>
  `version:\n    major: ${major}\n    minor: ${minor}\n    patch: ${patch}\n`
