import type { Command } from "commander"
import { Effect } from "effect"
import { type CommandError, usageError } from "../CommandError.ts"
import { Io } from "../Io.ts"
import { completionScript, shells } from "./completionScript.ts"

export const completion = Effect.fn("completion")(function* (
  program: Command,
  shell: string
): Effect.fn.Return<void, CommandError, Io> {
  const known = shells.find((name) => name === shell)
  if (known === undefined) return yield* usageError(`"${shell}" is none of ${shells.join(", ")}`)
  const { out } = yield* Io
  yield* out(completionScript(program, known))
})
