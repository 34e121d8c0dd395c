import { spawn } from "node:child_process"
import { constants } from "node:os"
import { Duplex } from "node:stream"
import { Deferred, Effect, Option, type Scope } from "effect"
import { DriverError, type TaskExit, type TaskHandle, type TaskSignal } from "../TaskDriver.ts"
import { allProcesses, endProcessesOf } from "./processesOf.ts"
import { signalGroup, signalProcess } from "./runTool.ts"

export interface TaskProcessOptions {
  readonly allocationId: string
  readonly taskName: string
  /** Program and arguments, confinement included. */
  readonly command: ReadonlyArray<string>
  /** The whole environment: nothing of this process's own is inherited. */
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  /** Whether `command` begins a PID namespace, so that the end of its first process is the end of all. */
  readonly ownsProcesses: boolean
  readonly stdout: (chunk: Uint8Array) => void
  readonly stderr: (chunk: Uint8Array) => void
}

export interface TaskProcess extends TaskHandle {
  readonly pid: number
  /** File descriptor 3 of the command: both ways. */
  readonly control: Duplex
  /** Its exit once it has ended. */
  readonly poll: Effect.Effect<Option.Option<TaskExit>>
}

/** Starts a process group for a task. Closing the scope kills whatever is left of it and waits until it is gone. */
export const startTaskProcess = Effect.fnUntraced(function* (
  options: TaskProcessOptions
): Effect.fn.Return<TaskProcess, DriverError, Scope.Scope> {
  const started = yield* Deferred.make<Spawned>()
  const ended = yield* Deferred.make<TaskExit>()
  // Forked first, so that the scope stops it last: the release below waits for what it reports.
  yield* Effect.forkScoped(
    Deferred.await(started).pipe(
      Effect.flatMap((spawned) => awaitEnd(spawned, options)),
      Effect.flatMap((exit) => Deferred.succeed(ended, exit))
    )
  )
  const end = (pid: number) => Effect.unlessEffect(endTree(options, pid), Deferred.isDone(ended))
  const { pid, control } = yield* Effect.acquireRelease(
    Effect.tap(spawnTask(options), (spawned) => Deferred.succeed(started, spawned)),
    (spawned) => Effect.zipRight(end(spawned.pid), Deferred.await(ended))
  )
  return {
    pid,
    control,
    wait: Deferred.await(ended),
    poll: Effect.flatMap(
      Deferred.poll(ended),
      Option.match({ onNone: () => Effect.succeedNone, onSome: (exit) => Effect.map(exit, Option.some) })
    ),
    signal: (name) =>
      name === "SIGKILL"
        ? Effect.asVoid(end(pid))
        : Effect.unlessEffect(signalTask(options, pid, name), Deferred.isDone(ended)).pipe(Effect.asVoid)
  }
})

interface Spawned {
  readonly pid: number
  readonly control: Duplex
  /** The first process ended. */
  readonly exited: Promise<TaskExit>
  /** All output was read, to the end of the last process that could write some. */
  readonly closed: Promise<void>
}

const spawnTask = (options: TaskProcessOptions): Effect.Effect<Spawned, DriverError> =>
  Effect.async((resume) => {
    const [program = "", ...args] = options.command
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: { ...options.env },
      // A session of its own, so that one signal reaches the task's group and none of this program's.
      detached: true,
      stdio: ["ignore", "pipe", "pipe", "pipe"]
    })
    child.stdout?.on("data", options.stdout)
    child.stderr?.on("data", options.stderr)
    const exited = new Promise<TaskExit>((resolve) => {
      child.once("exit", (code, signal) => resolve(toExit(code, signal)))
    })
    const closed = new Promise<void>((resolve) => {
      child.once("close", () => resolve())
    })
    const failed = (reason: string) =>
      resume(new DriverError({ message: `Failed to start ${program}: ${reason}`, recoverable: false }))
    child.once("error", (error) => failed(error.message))
    child.once("spawn", () => {
      const control = child.stdio[3]
      if (child.pid === undefined || !(control instanceof Duplex)) {
        failed("no control channel")
        return
      }
      // The command closes its end whenever it likes.
      control.on("error", () => {})
      resume(Effect.succeed({ pid: child.pid, control, exited, closed }))
    })
  })

const awaitEnd = Effect.fnUntraced(function* (spawned: Spawned, options: TaskProcessOptions) {
  const exit = yield* Effect.promise(() => spawned.exited)
  spawned.control.destroy()
  // What a task left running in the background would hold its output open for ever.
  if (!options.ownsProcesses) yield* endProcessesOf(new Set([options.allocationId]), options.taskName)
  yield* Effect.promise(() => spawned.closed)
  return exit
})

/**
 * Kills every process of the task, whatever group or session it moved to.
 *
 * The group has both `unshare`, which would report its child's SIGKILL as exit code 1 with a line on stderr, and the
 * first process of the namespace, with which the kernel ends all others.
 */
const endTree = Effect.fnUntraced(function* (options: TaskProcessOptions, pid: number) {
  signalGroup(pid, "SIGKILL")
  yield* endProcessesOf(new Set([options.allocationId]), options.taskName)
})

/** `unshare` itself is spared: older ones die of the signal and take the namespace with them. */
const signalTask = (options: TaskProcessOptions, pid: number, name: TaskSignal) =>
  options.ownsProcesses
    ? Effect.map(allProcesses, (processes) => {
        for (const entry of processes) {
          if (entry.group === pid && entry.pid !== pid) signalProcess(entry.pid, name)
        }
      })
    : Effect.sync(() => signalGroup(pid, name))

/**
 * The kernel's memory killer isn't told apart from any other SIGKILL: this driver sets no memory limit, so a kill for
 * want of memory is the machine's trouble, not the task's, and `oomKilled` stays false.
 */
const toExit = (code: number | null, signal: NodeJS.Signals | null): TaskExit => ({
  exitCode: code ?? 128 + (signal === null ? 0 : constants.signals[signal]),
  signal: 0,
  oomKilled: false
})
