import { Data } from "effect"

/** What a command ends with, for scripts. Success is 0. */
export const exitCodes = {
  /** The job failed; or anything that no other code tells. */
  failed: 1,
  /** The command line, or the configuration, is wrong: nothing was sent or nothing was accepted. */
  usage: 2,
  /** The job was cancelled: its status is FAILED, with the reason Cancelled. */
  cancelled: 3,
  /** The job wasn't over in the time that was given. */
  timedOut: 4,
  /** The service doesn't answer, or can't just now. */
  unreachable: 5,
  notFound: 6
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** Why a command ends otherwise than it was asked to. Shown as `Error: <message>` on stderr. */
export class CommandError extends Data.TaggedError("CommandError")<{
  readonly message: string
  readonly exitCode: ExitCode
}> {}

export const usageError = (message: string): CommandError => new CommandError({ message, exitCode: exitCodes.usage })
