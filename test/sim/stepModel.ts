import { createHash } from "node:crypto"
import type { Job } from "../../src/embedded/nomad/machine/JobSpec.ts"
import { scriptFailures, type ScriptFailureReason } from "../../src/jobspec/ScriptFailure.ts"
import type { RegistryClient, SimRegistry } from "./SimRegistry.ts"

/** What a step would do if nobody stopped it. It knows the Nomad job alone, as the real scripts do. */
export interface StepPlan {
  /** The driver's words when the task can't even start. */
  readonly driverFailure?: string
  /** What it does while it runs, each by the share of its time that has passed. */
  readonly acts: ReadonlyArray<{ readonly share: number; readonly run: () => void }>
  /** Asked when it ends by itself. */
  readonly end: () => StepEnd
}

export interface StepEnd {
  readonly exitCode: number
  readonly oomKilled?: boolean
  /** Files in the allocation's shared folder. */
  readonly files: Readonly<Record<string, string>>
}

/** The model of the task that a job describes, run by the allocation of this id. */
export const stepPlan = (job: Job, allocationId: string, registry: SimRegistry): StepPlan => {
  const step = read(job, allocationId)
  switch (step.client.phase) {
    case "build":
      return build(step, registry)
    case "test":
      return test(step, registry)
    case "publish":
      return publish(step, registry)
    default:
      return cleanup(step, registry)
  }
}

interface Step {
  readonly client: RegistryClient
  readonly attempt: number
  readonly env: Readonly<Record<string, string>>
  readonly image: string
  /** What follows the script and its name. */
  readonly args: ReadonlyArray<string>
}

const read = (job: Job, allocationId: string): Step => {
  const meta = job.Meta ?? {}
  const task = job.TaskGroups?.[0]?.Tasks?.[0]
  const entrypoint = task?.Config?.["entrypoint"]
  const image = task?.Config?.["image"]
  return {
    client: { jobId: meta["build-service-job-id"] ?? "", phase: meta["phase"] ?? "", nomadJobId: job.ID, allocationId },
    attempt: Number(meta["jobforge-attempt"] ?? "1"),
    env: task?.Env ?? {},
    image: typeof image === "string" ? image : "",
    args: Array.isArray(entrypoint) ? entrypoint.slice(4).map(String) : []
  }
}

/** No build gives the same bytes twice: a digest names one execution. */
const build = (step: Step, registry: SimRegistry): StepPlan => {
  const { client, args, env } = step
  const digest = `sha256:${createHash("sha256").update(client.allocationId).digest("hex")}`
  const commit = createHash("sha1")
    .update(env["JOBFORGE_GIT_REF"] ?? "")
    .digest("hex")
  const failure = failureFor(env["JOBFORGE_GIT_REF"] ?? "", step.attempt)
  const [marker = "", ...rest] = args
  const final = env["JOBFORGE_TARGET"] === "final"
  const published = final ? registry.digestOf(marker) : undefined
  /** What the run publishes: what another copy of the step has set the marker to meanwhile, or else these bytes. */
  const chosen = () => (final ? registry.digestOf(marker) : undefined) ?? digest
  const pushes = [...rest, marker]
  return {
    acts:
      failure !== undefined || published !== undefined
        ? []
        : pushes.map((image, index) => ({
            share: 0.6 + (0.35 * index) / pushes.length,
            run: () => registry.push(image, chosen(), client)
          })),
    end: () => (failure === undefined ? succeeded({ digest: chosen(), commit, images: args }) : failed(failure))
  }
}

/** A test sees the bytes that its image's digest names, or doesn't start. */
const test = (step: Step, registry: SimRegistry): StepPlan => {
  const [command = ""] = step.args
  if (!registry.has(step.image))
    return { ...nothing, driverFailure: `Failed to pull \`${step.image}\`: manifest unknown` }
  if (command === "flaky-pull" && step.attempt === 1) {
    return { ...nothing, driverFailure: `Failed to pull \`${step.image}\`: connection refused` }
  }
  if (command === "flaky" && step.attempt === 1) return { ...nothing, driverFailure: "the driver stumbled" }
  return { acts: [], end: () => ({ exitCode: Number(/^exit (\d+)$/.exec(command)?.[1] ?? 0), files: {} }) }
}

/** The marker is looked at first and moved last, as in the script. */
const publish = (step: Step, registry: SimRegistry): StepPlan => {
  const { client, args, env } = step
  const digest = env["JOBFORGE_DIGEST"] ?? ""
  const source = env["JOBFORGE_SOURCE"] ?? ""
  const [marker = "", ...rest] = args
  const images = [...rest, marker]
  const done = registry.digestOf(marker) === digest
  const missing = !done && !registry.has(source)
  return {
    acts:
      done || missing
        ? []
        : images.map((image, index) => ({
            share: 0.2 + (0.7 * index) / images.length,
            run: () => registry.push(image, digest, client)
          })),
    end: () => (missing ? failed("SourceMissing") : succeeded({ digest, images: args }))
  }
}

const cleanup = ({ client, args }: Step, registry: SimRegistry): StepPlan => ({
  acts: args.map((image) => ({ share: 0.5, run: () => registry.delete(image, client) })),
  end: () => succeeded({ image: args[0] ?? "" })
})

const nothing: StepPlan = { acts: [], end: () => ({ exitCode: 0, files: {} }) }

const succeeded = (result: unknown): StepEnd => ({
  exitCode: 0,
  files: { "alloc/result.json": JSON.stringify(result) }
})

const failed = (reason: ScriptFailureReason): StepEnd => {
  const { exitCode, message } = scriptFailures[reason]
  return { exitCode, files: { "alloc/failure.json": JSON.stringify({ reason, exitCode, message }) } }
}

/** A record says by its Git ref how its build shall go. */
const failureFor = (ref: string, attempt: number): ScriptFailureReason | undefined => {
  if (ref === "broken") return "BuildFailed"
  if (ref === "missing") return "RefNotFound"
  return ref === "flaky" && attempt === 1 ? "RegistryUnreachable" : undefined
}
