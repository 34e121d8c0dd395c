import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Cause, Effect, Exit, Layer, Logger, Option } from "effect"
import { CommandError, exitCodes } from "./CommandError.ts"
import type { Io } from "./Io.ts"
import { liveIo } from "./liveIo.ts"

export type CommandEffect = Effect.Effect<void, CommandError, Io | NodeContext.NodeContext>

/** Loads a command and runs it as the process. */
export type Run = (load: () => Promise<CommandEffect>) => Promise<void>

/** A failure is one line on stderr; the exit code says the rest. `words` takes out what must not be shown. */
export const runCommand = (command: CommandEffect, words: (text: string) => string): void => {
  bearEcho()
  NodeRuntime.runMain(
    command.pipe(
      Effect.tapError(({ message }) => Effect.sync(() => process.stderr.write(words(`Error: ${message}\n`)))),
      Effect.tapDefect((defect) =>
        Effect.sync(() => process.stderr.write(words(`Error: a bug of jobforge's own: ${Cause.pretty(defect)}\n`)))
      ),
      Effect.provide(Layer.mergeAll(liveIo, NodeContext.layer, logToStderr))
    ),
    {
      disableErrorReporting: true,
      disablePrettyLogger: true,
      teardown: (exit, onExit) => onExit(exitCodeOf(exit))
    }
  )
}

/**
 * `timeout` sends its signal to the process and once more to its group, which would end it before it has said its last
 * words. Whoever presses Ctrl-C again means it.
 */
const bearEcho = (): void => {
  let first: number | undefined
  process.on("SIGINT", () => {
    first ??= performance.now()
    if (performance.now() - first > echo) process.exit(interrupted)
  })
}

/** Milliseconds. */
const echo = 300

/** Stdout is the answer's alone. */
const logToStderr = Logger.replace(Logger.defaultLogger, Logger.withConsoleError(Logger.logfmtLogger))

const exitCodeOf = <A, E>(exit: Exit.Exit<A, E>): number => {
  if (Exit.isSuccess(exit)) return 0
  if (Cause.isInterruptedOnly(exit.cause)) return interrupted
  return Option.match(Cause.failureOption(exit.cause), {
    onNone: () => exitCodes.failed,
    onSome: (failure) => (failure instanceof CommandError ? failure.exitCode : exitCodes.failed)
  })
}

/** As shells have it for what Ctrl-C ended. */
const interrupted = 130
