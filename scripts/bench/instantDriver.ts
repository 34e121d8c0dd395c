import { createHash } from "node:crypto"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Layer } from "effect"
import { type TaskContext, TaskDriver } from "../../src/embedded/nomad/TaskDriver.ts"
import { runTask } from "../support/runTask.ts"

/** A build of this ref runs until it is released. */
export const heldRef = "held"

export interface SeenStep {
  readonly kind: "registered" | "ended"
  readonly time: number
  /** Of a step that ended. */
  readonly allocationId: string
}

/** What the driver saw and what it waits for. Times are `performance.now()` of this process. */
export class Steps {
  /** When each registration reached Nomad, and when each step ended, in order. */
  readonly seen: Array<SeenStep> = []
  readonly #held = new Map<string, () => void>()
  readonly #writers = new Map<string, (text: string) => void>()
  #registered = 0
  #ended = 0

  get registered(): number {
    return this.#registered
  }

  get ended(): number {
    return this.#ended
  }

  /** Builds that run until they are released. */
  get holding(): number {
    return this.#held.size
  }

  /** Whether single steps are kept; counts always are. */
  keep = false

  note(kind: "registered" | "ended", allocationId: string): void {
    if (kind === "registered") this.#registered += 1
    else this.#ended += 1
    if (this.keep) this.seen.push({ kind, allocationId, time: performance.now() })
  }

  hold(record: string, release: () => void, write: (text: string) => void): void {
    this.#held.set(record, release)
    this.#writers.set(record, write)
  }

  release(record: string): void {
    this.#held.get(record)?.()
    this.#held.delete(record)
    this.#writers.delete(record)
  }

  /** Output of a held build. */
  write(record: string, text: string): void {
    this.#writers.get(record)?.(text)
  }
}

/** Runs every step in no time: what is left is what the service and Nomad take. */
export const instantDriver = (steps: Steps): Layer.Layer<TaskDriver> =>
  Layer.succeed(
    TaskDriver,
    TaskDriver.of({
      // Asked once for each registration, before it is accepted.
      validate: () => {
        steps.note("registered", "")
        return []
      },
      start: Effect.fnUntraced(function* (context: TaskContext) {
        const phase = context.env["NOMAD_META_phase"] ?? ""
        return yield* runTask((stopped) =>
          Effect.tap(Effect.raceFirst(step(steps, phase, context), stopped), () =>
            Effect.sync(() => steps.note("ended", context.allocationId))
          )
        )
      }),
      sweep: () => Effect.void
    })
  )

const step = Effect.fnUntraced(function* (steps: Steps, phase: string, context: TaskContext) {
  const { env } = context
  const record = env["NOMAD_META_jobforge-record"] ?? ""
  if (phase === "build" && (env["JOBFORGE_GIT_REF"] ?? "").endsWith(heldRef)) {
    const encoder = new TextEncoder()
    yield* Effect.async<void>((resume) =>
      steps.hold(
        record,
        () => resume(Effect.void),
        (text) => context.stdout(encoder.encode(text))
      )
    )
  }
  const images = imagesOf(context)
  const digest = `sha256:${createHash("sha256").update(context.allocationId).digest("hex")}`
  if (phase === "build") yield* report(context, { digest, commit: "c".repeat(40), images })
  if (phase === "publish") yield* report(context, { digest: env["JOBFORGE_DIGEST"] ?? "", images })
  return 0
})

const report = (context: TaskContext, result: object) =>
  Effect.promise(() => writeFile(join(context.folders.alloc, "result.json"), JSON.stringify(result)))

/** What stands behind `sh -c <script> jobforge`. */
const imagesOf = ({ config }: TaskContext): ReadonlyArray<string> => {
  const entrypoint: unknown = config["entrypoint"]
  return Array.isArray(entrypoint) ? entrypoint.map(String).slice(4) : []
}
