import { type ChildProcess, spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { Context, Deferred, Effect, Exit, Layer, Option, Scope } from "effect"
import * as ConsulHttp from "../../src/consul/ConsulHttp.ts"
import * as ConsulLock from "../../src/leader/ConsulLock.ts"
import { LeaderLock, type Lease } from "../../src/leader/LeaderLock.ts"
import { LeaderStatus } from "../../src/leader/LeaderStatus.ts"
import * as ThreadPacemaker from "../../src/leader/ThreadPacemaker.ts"

/** One in this process, with the thread that production uses. `quit` gives up the office and all else. */
export const candidate = Effect.fnUntraced(function* (origin: string, key: string, name: string) {
  const scope = yield* Scope.fork(yield* Effect.scope, { _tag: "Sequential" })
  const lock = ConsulLock.layer({ key, address: name }).pipe(
    Layer.provide(Layer.merge(ConsulHttp.layerOf({ origin }), ThreadPacemaker.layerOf({ origin })))
  )
  const context = yield* Layer.buildWithScope(lock, scope)
  const { acquire } = Context.get(context, LeaderLock)
  return {
    acquire: Scope.extend(acquire, scope),
    term: acquire,
    status: Context.get(context, LeaderStatus).current,
    quit: Scope.close(scope, Exit.void)
  }
})

/** Stands in the background. */
export const standing = (acquire: Effect.Effect<Lease, never, Scope.Scope>) =>
  Effect.gen(function* () {
    const elected = yield* Deferred.make<Lease>()
    yield* Effect.forkScoped(Effect.flatMap(acquire, (lease) => Deferred.succeed(elected, lease)))
    return { elected: Deferred.await(elected), leads: Deferred.isDone(elected) }
  })

/** What the program in `candidateProcess.ts` says, and when. */
export interface ProcessCandidate {
  readonly child: ChildProcess
  readonly lines: ReadonlyArray<{ readonly text: string; readonly at: number }>
  readonly wedge: (ms: number) => void
  readonly leads: () => boolean
  readonly count: (text: string) => number
}

/** One in a process of its own; killed with the scope. */
export const processCandidate = (origin: string, key: string, name: string) =>
  Effect.acquireRelease(
    Effect.sync((): ProcessCandidate => {
      const program = fileURLToPath(new URL("candidateProcess.ts", import.meta.url))
      const child = spawn(process.execPath, ["--import", "tsx", program, origin, key, name], {
        stdio: ["pipe", "pipe", "ignore"]
      })
      const lines: Array<{ text: string; at: number }> = []
      child.stdout.on("data", (chunk: Buffer) => {
        for (const text of chunk.toString().split("\n")) {
          if (["leads", "lost", "free"].includes(text)) lines.push({ text, at: performance.now() })
        }
      })
      return {
        child,
        lines,
        wedge: (ms) => child.stdin.write(`wedge ${ms}\n`),
        leads: () => Option.exists(Option.fromNullable(lines.findLast(({ text }) => text !== "free")), isLeads),
        count: (wanted) => lines.filter(({ text }) => text === wanted).length
      }
    }),
    ({ child }) => killed(child)
  )

const isLeads = ({ text }: { readonly text: string }): boolean => text === "leads"

export const killed = (child: ChildProcess): Effect.Effect<void> =>
  Effect.async<void>((resume) => {
    if (child.exitCode !== null || child.signalCode !== null) return resume(Effect.void)
    child.once("exit", () => resume(Effect.void))
    child.kill("SIGKILL")
  })
