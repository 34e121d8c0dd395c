import { FileSystem, Path } from "@effect/platform"
import type { PlatformError } from "@effect/platform/Error"
import { Effect, Either, Option } from "effect"

/** A folder as it is now: one that takes its place has another number. */
export interface WatchedFolder {
  readonly path: string
  readonly inode: number
}

export interface Place {
  /** As the caller wrote it. */
  readonly directory: string
  /** Where that is, links followed. */
  readonly root: string
}

/** Paths are relative to the folder, with `/`. A fault of a folder has one at its end. */
export interface Tree {
  readonly folders: ReadonlyArray<WatchedFolder>
  readonly files: ReadonlyArray<string>
  readonly faults: ReadonlyArray<{ readonly relative: string; readonly text: string }>
}

/** What makes a file a record. */
export const ending = /\.(?:yaml|yml|json)$/

export const gone = "it went away while the folder was read; run this again"

export const isGone = (error: PlatformError): boolean => error._tag === "SystemError" && error.reason === "NotFound"

/** The record files below a folder. What is hidden is passed over. */
export const walkFolder = (place: Place, folder = ""): Effect.Effect<Tree, never, FileSystem.FileSystem | Path.Path> =>
  Effect.gen(function* () {
    const files = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const here = path.join(place.root, folder)
    const listed = yield* Effect.either(files.readDirectory(here))
    if (Either.isLeft(listed)) {
      return faulty(place, `${folder}/`, isGone(listed.left) ? gone : listed.left.message)
    }
    const inode = Option.flatMap(yield* Effect.option(files.stat(here)), ({ ino }) => ino)
    const visible = listed.right.filter((name) => !name.startsWith(".")).toSorted()
    const trees = yield* Effect.forEach(visible, (name) => look(place, folder === "" ? name : `${folder}/${name}`))
    return {
      folders: [{ path: here, inode: Option.getOrElse(inode, () => 0) }, ...trees.flatMap(({ folders }) => folders)],
      files: trees.flatMap(({ files }) => files),
      faults: trees.flatMap(({ faults }) => faults)
    }
  })

const nothing: Tree = { folders: [], files: [], faults: [] }

const faulty = ({ directory }: Place, relative: string, message: string): Tree => ({
  ...nothing,
  faults: [{ relative, text: `${directory.replace(/\/+$/, "")}/${relative}: ${message}` }]
})

const look = Effect.fnUntraced(function* (place: Place, relative: string) {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const full = path.join(place.root, relative)
  const real = yield* Effect.either(files.realPath(full))
  if (Either.isLeft(real)) return yield* unfound(place, relative, full, real.left)
  const info = yield* Effect.either(files.stat(real.right))
  if (Either.isLeft(info)) return nothing
  const { type } = info.right
  const astray = real.right === full ? undefined : linkFault(type, real.right.startsWith(place.root + path.sep))
  if (astray !== undefined) return astrayed(place, type, relative, astray)
  if (type === "Directory") return yield* walkFolder(place, relative)
  if (!ending.test(relative)) return nothing
  return type === "File" ? { ...nothing, files: [relative] } : faulty(place, relative, "it is no plain file")
})

const astrayed = (place: Place, type: FileSystem.File.Type, relative: string, message: string): Tree => {
  if (type === "Directory") return faulty(place, `${relative}/`, message)
  return ending.test(relative) ? faulty(place, relative, message) : nothing
}

/** A link is followed to a file that lies in the folder itself, as mounted volumes have them, and nowhere else. */
const linkFault = (type: FileSystem.File.Type, inside: boolean): string | undefined => {
  if (type === "Directory") return "links to folders aren't followed; put the folder here"
  return inside ? undefined : "it is a link to what lies outside the folder; put the file here"
}

const unfound = Effect.fnUntraced(function* (place: Place, relative: string, full: string, error: PlatformError) {
  const files = yield* FileSystem.FileSystem
  if (!ending.test(relative)) return nothing
  const linked = Option.isSome(yield* Effect.option(files.readLink(full)))
  if (linked) return faulty(place, relative, "it is a link to nothing")
  return faulty(place, relative, isGone(error) ? gone : error.message)
})
