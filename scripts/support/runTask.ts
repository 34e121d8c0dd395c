import { Deferred, Effect, type Scope } from "effect"
import type { TaskExit, TaskHandle } from "../../src/embedded/nomad/TaskDriver.ts"

/** A task of the test's own process: `run` gets what a signal makes of its exit code, and answers with the code. */
export const runTask = Effect.fnUntraced(function* (
  run: (stopped: Effect.Effect<number>) => Effect.Effect<number>
): Effect.fn.Return<TaskHandle, never, Scope.Scope> {
  const stop = yield* Deferred.make<number>()
  const ended = yield* Deferred.make<TaskExit>()
  yield* Effect.forkScoped(
    Effect.flatMap(run(Deferred.await(stop)), (exitCode) =>
      Deferred.succeed(ended, { exitCode, signal: 0, oomKilled: false })
    )
  )
  return {
    wait: Deferred.await(ended),
    signal: (name) => Effect.asVoid(Deferred.succeed(stop, name === "SIGKILL" ? 137 : 143))
  }
})
