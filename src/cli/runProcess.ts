import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Cause, ConfigError, Effect } from "effect"
import { redactOwnSecrets } from "./ownSecrets.ts"

/** Runs a server as the process: signals interrupt it, a failure is one line on stderr and exit code 1. */
export const runProcess = (effect: Effect.Effect<never, { readonly message: string }>): void =>
  NodeRuntime.runMain(
    effect.pipe(
      Effect.tapError((error) =>
        Effect.sync(() => process.stderr.write(redactOwnSecrets(`Error: ${wordsOf(error)}\n`)))
      ),
      Effect.tapDefect((defect) => Effect.logFatal("bug", redactOwnSecrets(Cause.pretty(defect))))
    ),
    { disableErrorReporting: true, disablePrettyLogger: true }
  )

/** A setting's fault doesn't name the setting by itself. */
const wordsOf = (error: { readonly message: string }): string =>
  ConfigError.isConfigError(error) ? Cause.pretty(Cause.fail(error)).replace(/^\((.*)\)$/s, "$1") : error.message
