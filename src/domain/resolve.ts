import type { Duration } from "effect"
import type { BuildJob } from "./BuildJob.ts"

/** MHz, MB, MB. */
export interface Limits {
  readonly cpu: number
  readonly memory: number
  readonly disk: number
}

type LimitedPhase = "build" | "test" | "publish"

/** What the service's settings say for a job that doesn't. */
export interface JobDefaults {
  readonly buildTimeout: Duration.Duration
  readonly testTimeout: Duration.Duration
  readonly limits: Readonly<Record<LimitedPhase, Limits>>
}

interface ResolvedConstraint {
  readonly attribute: string
  readonly operand: string
  /** Empty for the operands that take none. */
  readonly value: string
}

interface VaultSecret {
  readonly path: string
  /** From the secret's field to the name of the environment variable. */
  readonly fields: Readonly<Record<string, string>>
}

export interface ResolvedTest {
  readonly commands: ReadonlyArray<string>
  readonly env: Readonly<Record<string, string>>
  readonly vault_policies: ReadonlyArray<string>
  readonly vault_secrets: ReadonlyArray<VaultSecret>
  readonly entry_point: boolean
  readonly timeout: Duration.Duration
  readonly gpu_required: boolean
  /** Devices to ask for; 0 asks for none and leaves it to the runtime what is visible. */
  readonly gpu_count: number
  readonly constraints: ReadonlyArray<ResolvedConstraint>
}

/** A BuildJob with every default filled in: nothing that acts on a job needs to know a default. */
export interface ResolvedJob {
  readonly owner: string
  readonly repo_url: string
  readonly git_ref: string
  readonly git_credentials_path?: string
  readonly dockerfile_path: string
  readonly dockerfile_context: string
  readonly image_name: string
  readonly image_tags: ReadonlyArray<string>
  readonly registry_url: string
  readonly registry_credentials_path?: string
  readonly clear_cache: boolean
  readonly build_timeout: Duration.Duration
  readonly test: ResolvedTest
  readonly resources: Readonly<Record<LimitedPhase, Limits>>
  readonly webhook_url?: string
  readonly webhook_secret?: string
  readonly webhook_on_success: boolean
  readonly webhook_on_failure: boolean
  readonly webhook_headers: Readonly<Record<string, string>>
}

/** One Nomad job of the test phase. */
export type TestCase =
  | { readonly kind: "command"; readonly index: number; readonly command: string }
  | { readonly kind: "entry-point" }

/** What a phase gets where neither the job nor the settings say. */
export const systemLimits: JobDefaults["limits"] = {
  build: { cpu: 1000, memory: 2048, disk: 10_240 },
  test: { cpu: 500, memory: 1024, disk: 2048 },
  publish: { cpu: 500, memory: 1024, disk: 2048 }
}

export const resolveJob = (job: BuildJob, defaults: JobDefaults): ResolvedJob => ({
  owner: job.owner,
  repo_url: job.repo_url,
  git_ref: job.git_ref ?? "main",
  dockerfile_path: job.dockerfile_path ?? "Dockerfile",
  dockerfile_context: job.dockerfile_context ?? ".",
  image_name: job.image_name,
  image_tags: job.image_tags ?? [],
  registry_url: job.registry_url,
  clear_cache: job.clear_cache ?? false,
  build_timeout: job.build_timeout ?? defaults.buildTimeout,
  test: resolveTest(job.test ?? {}, defaults),
  resources: resolveLimits(job, defaults.limits),
  ...optionalStrings(job),
  ...resolveWebhook(job)
})

/** None: the build step publishes by itself. Commands and entry point both run where both are given. */
export const testCases = (job: {
  readonly test: Pick<ResolvedTest, "commands" | "entry_point">
}): ReadonlyArray<TestCase> => [
  ...job.test.commands.map((command, index) => ({ kind: "command" as const, index, command })),
  ...(job.test.entry_point ? [{ kind: "entry-point" as const }] : [])
]

const resolveTest = (test: NonNullable<BuildJob["test"]>, defaults: JobDefaults): ResolvedTest => ({
  commands: test.commands ?? [],
  env: test.env ?? {},
  vault_policies: test.vault_policies ?? [],
  vault_secrets: test.vault_secrets ?? [],
  entry_point: test.entry_point ?? false,
  timeout: test.timeout ?? defaults.testTimeout,
  gpu_required: test.gpu_required ?? false,
  gpu_count: test.gpu_count ?? 0,
  constraints: (test.constraints ?? []).map(({ attribute, operand = "=", value = "" }) => ({
    attribute,
    operand,
    value
  }))
})

/** Each value for itself: the test's own limits, the phase's, the job's, the default. */
const resolveLimits = (job: BuildJob, defaults: JobDefaults["limits"]): ResolvedJob["resources"] => {
  const global = job.resource_limits ?? {}
  return {
    build: firstGiven([global.build, global], defaults.build),
    test: firstGiven([job.test?.resource_limits, global.test, global], defaults.test),
    publish: firstGiven([global.publish, global], defaults.publish)
  }
}

type GivenLimits = { readonly [name in keyof Limits]?: number }

const firstGiven = (levels: ReadonlyArray<GivenLimits | undefined>, defaults: Limits): Limits => {
  const first = (name: keyof Limits): number =>
    levels.find((level) => level?.[name] !== undefined)?.[name] ?? defaults[name]
  return { cpu: first("cpu"), memory: first("memory"), disk: first("disk") }
}

const optionalStrings = (job: BuildJob): Pick<ResolvedJob, "git_credentials_path" | "registry_credentials_path"> => ({
  ...(job.git_credentials_path === undefined ? {} : { git_credentials_path: job.git_credentials_path }),
  ...(job.registry_credentials_path === undefined ? {} : { registry_credentials_path: job.registry_credentials_path })
})

type ResolvedWebhook = Pick<
  ResolvedJob,
  "webhook_url" | "webhook_secret" | "webhook_on_success" | "webhook_on_failure" | "webhook_headers"
>

const resolveWebhook = (job: BuildJob): ResolvedWebhook => ({
  ...(job.webhook_url === undefined ? {} : { webhook_url: job.webhook_url }),
  ...(job.webhook_secret === undefined ? {} : { webhook_secret: job.webhook_secret }),
  webhook_on_success: job.webhook_on_success ?? true,
  webhook_on_failure: job.webhook_on_failure ?? true,
  webhook_headers: job.webhook_headers ?? {}
})
