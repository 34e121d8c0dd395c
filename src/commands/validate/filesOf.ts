import { FileSystem, Path } from "@effect/platform"
import type { PlatformError } from "@effect/platform/Error"
import { Array as Arr, Effect, Order } from "effect"

/**
 * The files that are meant: a file itself, of a folder all YAML and JSON files in it and below, in the order of their
 * names. Hidden ones are somebody's tool's.
 */
export const filesOf = Effect.fnUntraced(function* (
  given: string
): Effect.fn.Return<ReadonlyArray<string>, PlatformError, FileSystem.FileSystem | Path.Path> {
  const files = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const { type } = yield* files.stat(given)
  if (type !== "Directory") return [given]
  const names = yield* files.readDirectory(given, { recursive: true })
  const records = names.filter((name) => /\.(?:ya?ml|json)$/i.test(name) && !isHidden(name))
  return yield* Effect.filter(
    Arr.sort(records, Order.string).map((name) => paths.join(given, name)),
    (file) => Effect.map(files.stat(file), (found) => found.type === "File")
  )
})

const isHidden = (name: string): boolean => name.split(/[/\\]/).some((part) => part.startsWith("."))
