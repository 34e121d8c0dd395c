import type { FileSystem, Path } from "@effect/platform"
import type { PlatformError } from "@effect/platform/Error"
import { Effect, type Option } from "effect"
import { LockBusy, lockFile } from "./lockFile.ts"
import { readIfThere } from "./readIfThere.ts"
import { writeAtomically } from "./writeAtomically.ts"

/** Changes a file that others change at the same time: no change is lost. Its folder must be there. */
export const updateFile = (
  path: string,
  change: (text: Option.Option<string>) => string
): Effect.Effect<void, LockBusy | PlatformError, FileSystem.FileSystem | Path.Path> =>
  Effect.scoped(
    Effect.gen(function* () {
      const lockPath = `${path}.lock`
      const lock = yield* lockFile(lockPath)
      const text = change(yield* readIfThere(path))
      if (!(yield* lock.held)) return yield* new LockBusy({ path: lockPath })
      yield* writeAtomically(path, text)
    })
  )
