import { Effect } from "effect"
import type { Done } from "../api/Answers.ts"
import type { JobForge } from "../client/JobForge.ts"
import { callService } from "./callService.ts"
import { CommandError, exitCodes } from "./CommandError.ts"
import { connect, type ConnectOptions } from "./connect.ts"
import { ofCleaned, ofDone } from "./looks.ts"
import { type Output, print } from "./print.ts"

export interface ActOptions extends ConnectOptions {
  readonly output: Output
}

const actOnJob = (
  name: string,
  verb: string,
  act: (client: JobForge, id: string, signal: AbortSignal) => Promise<Done>
) =>
  Effect.fn(name)(function* (id: string, options: ActOptions) {
    const client = yield* connect(options)
    const done = yield* callService(verb, (signal) => act(client, id, signal))
    yield* print(options.output, done, ofDone)
    yield* failUnless(done)
  })

export const killJob = actOnJob("kill-job", "kill job", (client, id, signal) => client.killJob(id, { signal }))
export const retryJob = actOnJob("retry", "retry job", (client, id, signal) => client.retry(id, { signal }))
export const purgeJob = actOnJob("purge", "purge job", (client, id, signal) => client.purge(id, { signal }))

/** The answer is on stdout already; the exit code has to say the same. */
const failUnless = (done: { readonly success: boolean; readonly message: string }): Effect.Effect<void, CommandError> =>
  done.success ? Effect.void : Effect.fail(new CommandError({ message: done.message, exitCode: exitCodes.failed }))

export const cleanup = Effect.fn("cleanup")(function* (id: string, options: ActOptions) {
  const client = yield* connect(options)
  const cleaned = yield* callService("cleanup job", (signal) => client.cleanup(id, { signal }))
  yield* print(options.output, cleaned, ofCleaned)
  yield* failUnless(cleaned)
})
