import { Deferred, Effect, Layer } from "effect"
import { DriverError, type TaskContext, TaskDriver, type TaskExit } from "../../../src/embedded/nomad/TaskDriver.ts"

/** What a task of these tests does, by the first of its `args`. */
export interface Script {
  /** Milliseconds until it ends by itself; it runs until it is signalled when left out. */
  readonly runsMs?: number
  readonly exitCode?: number
  readonly oomKilled?: boolean
  /** Written at the start. */
  readonly stdout?: string
  readonly stderr?: string
  readonly failsToStart?: string
  /** Milliseconds that pulling its image takes. */
  readonly pullsMs?: number
  /** Doesn't care for SIGTERM. */
  readonly stubborn?: boolean
}

export interface Scripted {
  readonly layer: Layer.Layer<TaskDriver>
  readonly contexts: Array<TaskContext>
  readonly signals: Array<string>
  readonly swept: Array<string>
  /** Tasks that neither ended nor were cleaned up. */
  readonly alive: Set<string>
}

/** A driver that plays scripts on real time instead of running containers. */
export const scripted = (scripts: Readonly<Record<string, Script>>): Scripted => {
  const contexts: Array<TaskContext> = []
  const signals: Array<string> = []
  const swept: Array<string> = []
  const alive = new Set<string>()
  const start = Effect.fnUntraced(function* (context: TaskContext) {
    contexts.push(context)
    const script = scripts[scriptOf(context)] ?? { runsMs: 0 }
    if (script.pullsMs !== undefined) yield* Effect.sleep(script.pullsMs)
    if (script.failsToStart !== undefined) {
      return yield* new DriverError({ message: script.failsToStart, recoverable: false })
    }
    const ended = yield* Deferred.make<TaskExit>()
    alive.add(context.allocationId)
    yield* Effect.addFinalizer(() => Effect.sync(() => alive.delete(context.allocationId)))
    const finish = (exitCode: number) =>
      Deferred.succeed(ended, { exitCode, signal: 0, oomKilled: script.oomKilled ?? false })
    context.stdout(new TextEncoder().encode(script.stdout ?? ""))
    context.stderr(new TextEncoder().encode(script.stderr ?? ""))
    if (script.runsMs !== undefined) {
      yield* Effect.forkScoped(Effect.delay(finish(script.exitCode ?? 0), script.runsMs))
    }
    return {
      wait: Deferred.await(ended),
      signal: (name: string) =>
        Effect.suspend(() => {
          signals.push(name)
          if (name === "SIGKILL") return Effect.asVoid(finish(137))
          return script.stubborn === true ? Effect.void : Effect.asVoid(finish(143))
        })
    }
  })
  return {
    contexts,
    signals,
    swept,
    alive,
    layer: Layer.succeed(
      TaskDriver,
      TaskDriver.of({
        validate: (_, config) => (config["privileged"] === true ? ["config.privileged: not here"] : []),
        start,
        sweep: (ids) => Effect.sync(() => void swept.push(...ids))
      })
    )
  }
}

const scriptOf = (context: TaskContext): string => {
  const args: unknown = context.config["args"]
  return Array.isArray(args) && typeof args[0] === "string" ? args[0] : ""
}
