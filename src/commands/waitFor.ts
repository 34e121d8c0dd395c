import { Duration, Effect, Option } from "effect"
import { parseGoDuration } from "../domain/GoDuration.ts"
import { callService } from "./callService.ts"
import { CommandError, exitCodes, usageError } from "./CommandError.ts"
import { connect, type ConnectOptions } from "./connect.ts"
import { ofJobState } from "./looks.ts"
import { type Output, print } from "./print.ts"
import { waitCondition } from "./waitCondition.ts"
import { exitOf } from "./watch/exitOf.ts"

export interface WaitOptions extends ConnectOptions {
  /** What `waitCondition` reads. */
  readonly for: string
  /** As Go writes durations; no limit when left out. */
  readonly timeout?: string
  readonly output: Output
}

/** Ends when the condition holds, when it no longer can, or when the time is over. */
export const waitFor = Effect.fn("wait")(function* (id: string, options: WaitOptions) {
  const holds = yield* waitCondition(options.for)
  const timeout = yield* timeoutOf(options.timeout)
  const client = yield* connect(options)
  const state = yield* callService("wait for job", (signal) => client.wait(id, { signal, until: holds })).pipe(
    Effect.timeoutFail({
      duration: timeout,
      onTimeout: () =>
        new CommandError({
          message: `timed out after ${options.timeout} waiting for job ${id}; it goes on`,
          exitCode: exitCodes.timedOut
        })
    })
  )
  yield* print(options.output, state, ofJobState)
  if (holds(state)) return
  yield* exitOf(state)
  return yield* new CommandError({
    message: `job ${id} succeeded, and "${options.for}" was not seen`,
    exitCode: exitCodes.failed
  })
})

const timeoutOf = (text: string | undefined): Effect.Effect<Duration.Duration, CommandError> =>
  text === undefined
    ? Effect.succeed(Duration.infinity)
    : Option.match(parseGoDuration(text), {
        onNone: () => Effect.fail(usageError(`--timeout: "${text}" is no duration; write it as 90s, 30m or 1h30m`)),
        onSome: Effect.succeed
      })
