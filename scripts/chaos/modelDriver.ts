import { createHash } from "node:crypto"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Layer, Option } from "effect"
import { type TaskContext, TaskDriver } from "../../src/embedded/nomad/TaskDriver.ts"
import { runTask } from "../support/runTask.ts"
import type { Dice } from "./Dice.ts"
import type { ModelRegistry } from "./ModelRegistry.ts"

/** How long a step takes when nothing is said about it, in milliseconds. */
const usual = { least: 20, most: 300 }

/** A ref that ends so is built until somebody stops it. */
export const endlessRef = "endless"
/** A ref that ends so takes long enough to build that it is seen while it does. */
export const longRef = "long"
/** The Dockerfile of this ref doesn't build. */
export const brokenRef = "broken"
/** A test command that fails. */
export const failingTest = "exit 3"

/** The first and last line of what every task here writes: a log without both is not the whole log. */
export const logLines = (nomadJob: string): { readonly first: string; readonly last: string } => ({
  first: `${nomadJob} begins`,
  last: `${nomadJob} ends`
})

/** Runs the steps of a job as the scripts do, in milliseconds and against a registry in this process. */
export const modelDriver = (registry: ModelRegistry, dice: Dice): Layer.Layer<TaskDriver> =>
  Layer.succeed(
    TaskDriver,
    TaskDriver.of({
      validate: () => [],
      start: Effect.fnUntraced(function* (context: TaskContext) {
        const lines = logLines(context.jobId)
        const write = (text: string) => context.stdout(new TextEncoder().encode(`${text}\n`))
        const meta = (name: string) => context.env[`NOMAD_META_${name}`] ?? ""
        registry.begin(context.allocationId, {
          nomadJob: context.jobId,
          record: meta("jobforge-record"),
          generation: meta("jobforge-generation"),
          phase: meta("phase"),
          source: sourceOf(context)
        })
        yield* Effect.addFinalizer(() => Effect.sync(() => registry.end(context.allocationId)))
        return yield* runTask(
          Effect.fnUntraced(function* (stopped) {
            write(lines.first)
            const exitCode = yield* Effect.raceFirst(step(registry, dice, context), stopped)
            write(lines.last)
            registry.end(context.allocationId)
            return exitCode
          })
        )
      }),
      sweep: () => Effect.void
    })
  )

const step = (registry: ModelRegistry, dice: Dice, context: TaskContext): Effect.Effect<number> => {
  switch (context.env["NOMAD_META_phase"]) {
    case "build":
      return build(registry, dice, context)
    case "test":
      return test(registry, dice, context)
    case "publish":
      return publish(registry, dice, context)
    default:
      return cleanUp(registry, dice, context)
  }
}

const build = Effect.fnUntraced(function* (registry: ModelRegistry, dice: Dice, context: TaskContext) {
  const { env } = context
  const images = argumentsOf(context)
  const [marker = ""] = images
  const ref = env["JOBFORGE_GIT_REF"] ?? ""
  if (ref.endsWith(endlessRef)) return yield* Effect.never
  const final = env["JOBFORGE_TARGET"] === "final"
  const earlier = final ? registry.tag(marker) : undefined
  yield* ref.endsWith(longRef) ? Effect.sleep("1 second") : pause(dice)
  if (ref.endsWith(brokenRef)) return 1
  // A second build of the same sources makes other bytes.
  const digest = earlier ?? `sha256:${createHash("sha256").update(context.allocationId).digest("hex")}`
  if (!final) registry.pushTemporary(marker, digest)
  else if (earlier === undefined) registry.publish(publicationOf(context, images, digest))
  yield* report(context, { digest, commit: "c".repeat(40), images })
  return 0
})

const test = Effect.fnUntraced(function* (registry: ModelRegistry, dice: Dice, context: TaskContext) {
  const image = String(context.config["image"])
  const [repository = "", digest = ""] = image.split("@")
  yield* pause(dice)
  if (!registry.holdsTemporary(repository, digest)) {
    registry.violations.push(`${context.jobId} tests ${image}, which isn't there`)
    return 125
  }
  const command = entrypointOf(context).at(-1) ?? "entry point"
  if (command === failingTest) return 3
  registry.testPassed(digest, context.jobId.replace(/-\d+$/, ""))
  return 0
})

const publish = Effect.fnUntraced(function* (registry: ModelRegistry, dice: Dice, context: TaskContext) {
  const images = argumentsOf(context)
  const [marker = ""] = images
  const digest = context.env["JOBFORGE_DIGEST"] ?? ""
  const [repository = ""] = (context.env["JOBFORGE_SOURCE"] ?? "").split("@")
  const earlier = registry.tag(marker)
  // Between the look and the push is time for another one to do the same.
  yield* pause(dice)
  if (earlier !== digest) {
    if (!registry.holdsTemporary(repository, digest)) {
      registry.violations.push(`${context.jobId} publishes ${digest}, which isn't there`)
      return 1
    }
    registry.publish(publicationOf(context, images, digest))
  }
  yield* report(context, { digest, images })
  return 0
})

const cleanUp = Effect.fnUntraced(function* (registry: ModelRegistry, dice: Dice, context: TaskContext) {
  yield* pause(dice)
  for (const image of argumentsOf(context)) registry.deleteTemporary(image)
  return 0
})

const pause = (dice: Dice) => Effect.sleep(dice.between(usual.least, usual.most))

const report = (context: TaskContext, result: object) =>
  Effect.promise(() => writeFile(join(context.folders.alloc, "result.json"), JSON.stringify(result)))

const entrypointOf = ({ config }: TaskContext): ReadonlyArray<string> => {
  const entrypoint: unknown = config["entrypoint"]
  return Array.isArray(entrypoint) ? entrypoint.map(String) : []
}

/** What stands behind `sh -c <script> jobforge`. */
const argumentsOf = (context: TaskContext): ReadonlyArray<string> => entrypointOf(context).slice(4)

const publicationOf = ({ env }: TaskContext, images: ReadonlyArray<string>, digest: string) => {
  const [marker = "", ...others] = images
  return {
    record: env["NOMAD_META_jobforge-record"] ?? "",
    generation: env["NOMAD_META_jobforge-generation"] ?? "",
    marker,
    images: others,
    digest
  }
}

/** Temporary images have a place for each job: what is built is told by the repository, the ref and the cache's owner. */
const sourceOf = ({ env }: TaskContext): string =>
  [
    env["JOBFORGE_REPO_URL"],
    env["JOBFORGE_GIT_REF"],
    Option.getOrElse(Option.fromNullable(env["JOBFORGE_CACHE_KEY"]), () => "")
  ].join(" ")
