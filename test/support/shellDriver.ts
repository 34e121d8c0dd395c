import { Deferred, Effect, Layer } from "effect"
import { spawn } from "node:child_process"
import { constants } from "node:os"
import { type TaskContext, TaskDriver, type TaskExit, type TaskSignal } from "../../src/embedded/nomad/TaskDriver.ts"

/** Runs the last of a task's `args` in a shell of this machine: an embedded Nomad for tests that need no container. */
export const shellDriver: Layer.Layer<TaskDriver> = Layer.succeed(
  TaskDriver,
  TaskDriver.of({
    validate: () => [],
    start: Effect.fnUntraced(function* (context) {
      const ended = yield* Deferred.make<TaskExit>()
      const { NOMAD_ALLOC_DIR: _alloc, NOMAD_TASK_DIR: _task, ...env } = context.env
      const shell = spawn("/bin/sh", ["-c", scriptOf(context)], {
        // A group of its own, so that a signal reaches all of it.
        detached: true,
        env: {
          ...env,
          PATH: "/usr/bin:/bin",
          NOMAD_ALLOC_DIR: context.folders.alloc,
          NOMAD_TASK_DIR: context.folders.local
        },
        stdio: ["ignore", "pipe", "pipe"]
      })
      shell.stdout.on("data", (chunk: Buffer) => context.stdout(chunk))
      shell.stderr.on("data", (chunk: Buffer) => context.stderr(chunk))
      shell.once("close", (code, signal) => {
        const exitCode = signal === null ? (code ?? 0) : 128 + constants.signals[signal]
        Effect.runSync(Deferred.succeed(ended, { exitCode, signal: 0, oomKilled: false }))
      })
      const signal = (name: TaskSignal) =>
        Effect.sync(() => {
          if (shell.pid === undefined || shell.exitCode !== null || shell.signalCode !== null) return
          process.kill(-shell.pid, name)
        })
      yield* Effect.addFinalizer(() => signal("SIGKILL"))
      return { wait: Deferred.await(ended), signal }
    }),
    sweep: () => Effect.void
  })
)

const scriptOf = ({ config }: TaskContext): string => {
  const args: unknown = config["args"]
  const script: unknown = Array.isArray(args) ? args.at(-1) : undefined
  return typeof script === "string" ? script : ""
}
