import { FileSystem, Path } from "@effect/platform"
import type { PlatformError } from "@effect/platform/Error"
import { Effect, Random } from "effect"

/**
 * Puts `text` into a file: whoever reads it, and whatever stops this process or the machine, it holds the whole new text
 * or the whole old one. A link stays a link.
 */
export const writeAtomically = Effect.fnUntraced(function* (
  path: string,
  text: string
): Effect.fn.Return<void, PlatformError, FileSystem.FileSystem | Path.Path> {
  const fs = yield* FileSystem.FileSystem
  const { basename, dirname, join } = yield* Path.Path
  const target = yield* Effect.orElseSucceed(fs.realPath(path), () => path)
  // A rename is atomic within one file system only, so the draft lies beside its target.
  const draft = join(dirname(target), `.${basename(target)}.${yield* unusedName}.tmp`)
  yield* writeNew(draft, text).pipe(
    Effect.zipRight(fs.rename(draft, target)),
    // The draft's own trouble is what is told; where nothing can be written, it may stay.
    Effect.onError(() => Effect.ignore(fs.remove(draft, { force: true })))
  )
})

/** Creates a file that must not be there yet, and has its bytes on the disk when it succeeds. */
export const writeNew = (path: string, text: string): Effect.Effect<void, PlatformError, FileSystem.FileSystem> =>
  Effect.scoped(
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const file = yield* fs.open(path, { flag: "wx", mode: 0o644 })
      const bytes = new TextEncoder().encode(text)
      if (bytes.length > 0) yield* file.writeAll(bytes)
      yield* file.sync
    })
  )

/** Creates a folder and those above it, where they aren't there yet. */
export const makeFolder = (path: string): Effect.Effect<void, PlatformError, FileSystem.FileSystem | Path.Path> =>
  Effect.flatMap(FileSystem.FileSystem, (fs) => fs.makeDirectory(path, { recursive: true, mode: 0o755 })).pipe(
    // Of a disk that is read-only Node says here that something isn't found; one by one it tells the reason.
    Effect.catchIf(isNotFound, () => makeOneByOne(path))
  )

const makeOneByOne = (path: string): Effect.Effect<void, PlatformError, FileSystem.FileSystem | Path.Path> =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const above = (yield* Path.Path).dirname(path)
    const make = fs.makeDirectory(path, { mode: 0o755 })
    yield* Effect.catchIf(
      make,
      (error) => isNotFound(error) && above !== path,
      () => Effect.zipRight(makeOneByOne(above), make)
    )
  })

const isNotFound = (error: PlatformError): boolean => error._tag === "SystemError" && error.reason === "NotFound"

/** No other process has the same. */
export const unusedName: Effect.Effect<string> = Effect.map(
  Effect.replicateEffect(Random.nextIntBetween(0, 0x1_0000_0000), 3),
  (numbers) => numbers.map((number) => number.toString(36)).join("")
)
