import { Effect } from "effect"
import type { JobForgeError } from "../client/ClientErrors.ts"
import { errorOf } from "../client/errorOf.ts"
import { CommandError, type ExitCode, exitCodes } from "./CommandError.ts"

/** A call of the client library. The verb, as in "submit job", begins the message when it fails. */
export const callService = <A>(
  verb: string,
  call: (signal: AbortSignal) => Promise<A>
): Effect.Effect<A, CommandError> =>
  Effect.mapError(Effect.tryPromise({ try: call, catch: errorOf }), commandErrorOf(verb))

export const commandErrorOf =
  (verb: string) =>
  (error: JobForgeError): CommandError =>
    new CommandError({ message: `failed to ${verb}: ${wordsOf(error)}`, exitCode: exitCodeOf(error) })

/** Scripts of the service's first years look for `HTTP <code>: <error> - <details>`. */
const wordsOf = (error: JobForgeError): string => {
  if (error._tag === "CallTimeout" || error._tag === "CallAborted") return error.message
  const { code, error: words } = error
  const answer = code === undefined ? words : `HTTP ${code}: ${words}`
  if (error._tag === "JobInvalid" && error.errors.length > 0) {
    return [answer, ...error.errors.map(({ message }) => `  - ${message}`)].join("\n")
  }
  const details = "details" in error ? error.details : undefined
  return details === undefined || details === "" ? answer : `${answer} - ${details}`
}

const exitCodeOf = (error: JobForgeError): ExitCode => {
  switch (error._tag) {
    case "JobInvalid":
      return exitCodes.usage
    case "JobMissing":
      return exitCodes.notFound
    case "CallTimeout":
    case "ServiceUnavailable":
      return exitCodes.unreachable
    default:
      return exitCodes.failed
  }
}
