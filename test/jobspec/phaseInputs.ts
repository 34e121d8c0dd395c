import { Duration, FastCheck } from "effect"
import type { ResolvedJob, ResolvedTest } from "../../src/domain/resolve.ts"
import type { PhaseInput } from "../../src/jobspec/PhaseInput.ts"
import { defaultSpecSettings, type SpecSettings } from "../../src/jobspec/SpecSettings.ts"

const noTests: ResolvedTest = {
  commands: [],
  env: {},
  vault_policies: [],
  vault_secrets: [],
  entry_point: false,
  timeout: Duration.minutes(15),
  gpu_required: false,
  gpu_count: 0,
  constraints: []
}

const job: ResolvedJob = {
  owner: "ada",
  repo_url: "https://git.example.com/ada/engine.git",
  git_ref: "main",
  dockerfile_path: "Dockerfile",
  dockerfile_context: ".",
  image_name: "ada/engine",
  image_tags: ["latest"],
  registry_url: "registry.example.com",
  clear_cache: false,
  build_timeout: Duration.minutes(30),
  test: noTests,
  resources: {
    build: { cpu: 1000, memory: 2048, disk: 10_240 },
    test: { cpu: 500, memory: 1024, disk: 2048 },
    publish: { cpu: 500, memory: 1024, disk: 2048 }
  },
  webhook_on_success: true,
  webhook_on_failure: true,
  webhook_headers: {}
}

export const jobId = "8a4b2a9e-7a3f-5d52-9f3b-2f0d2a1c4e11"

export interface Changes {
  readonly job?: Partial<ResolvedJob>
  readonly test?: Partial<ResolvedTest>
  readonly settings?: Partial<SpecSettings>
}

export const phaseInput = (changes: Changes = {}): PhaseInput => ({
  installation: "lab",
  record: "teams/engine",
  generation: 3,
  jobId,
  attempt: 2,
  nomadId: `build-${jobId}-2`,
  job: { ...job, ...changes.job, test: { ...noTests, ...changes.test } },
  settings: { ...defaultSpecSettings, ...changes.settings }
})

export const digest = `sha256:${"5".repeat(64)}`
export const temporary = `registry.example.com/temp/${jobId}:latest`
export const source = `registry.example.com/temp/${jobId}@${digest}`
export const finals = [`registry.example.com/ada/engine:${jobId}`, "registry.example.com/ada/engine:latest"]

/** What somebody might type who wants to see what happens. */
const hostile = FastCheck.oneof(
  FastCheck.string(),
  FastCheck.constantFrom(
    "${NOMAD_SECRETS_DIR}",
    "$${x}",
    "$$${x}",
    "%{ if true }",
    '{{ with secret "secret/data/other" }}{{ end }}',
    "$(touch /tmp/here)",
    "`id`",
    "'; id; '",
    "--upload-pack=id",
    "a\nb",
    "😀"
  )
)

const resources = FastCheck.record({
  cpu: FastCheck.integer({ min: 1, max: 100_000 }),
  memory: FastCheck.integer({ min: 10, max: 1_000_000 }),
  disk: FastCheck.integer({ min: 1, max: 1_000_000 })
})

const test: FastCheck.Arbitrary<ResolvedTest> = FastCheck.record({
  commands: FastCheck.array(hostile, { maxLength: 3 }),
  env: FastCheck.dictionary(hostile, hostile),
  vault_policies: FastCheck.array(hostile, { maxLength: 2 }),
  vault_secrets: FastCheck.array(FastCheck.record({ path: hostile, fields: FastCheck.dictionary(hostile, hostile) }), {
    maxLength: 2
  }),
  entry_point: FastCheck.boolean(),
  timeout: FastCheck.constant(Duration.minutes(15)),
  gpu_required: FastCheck.boolean(),
  gpu_count: FastCheck.integer({ min: 0, max: 8 }),
  constraints: FastCheck.array(FastCheck.record({ attribute: hostile, value: hostile, operand: hostile }), {
    maxLength: 2
  })
})

/** Any input at all, validated or not: what holds of these specs must not depend on the validation. */
export const anyInput: FastCheck.Arbitrary<PhaseInput> = FastCheck.record({
  installation: hostile,
  record: hostile,
  generation: FastCheck.nat(),
  jobId: FastCheck.constant(jobId),
  attempt: FastCheck.nat(),
  nomadId: FastCheck.constant(`build-${jobId}-2`),
  job: FastCheck.record({
    owner: hostile,
    repo_url: hostile,
    git_ref: hostile,
    git_credentials_path: hostile,
    dockerfile_path: hostile,
    dockerfile_context: hostile,
    image_name: hostile,
    image_tags: FastCheck.array(hostile, { maxLength: 3 }),
    registry_url: hostile,
    registry_credentials_path: hostile,
    clear_cache: FastCheck.boolean(),
    build_timeout: FastCheck.constant(Duration.minutes(30)),
    test,
    resources: FastCheck.record({ build: resources, test: resources, publish: resources }),
    webhook_on_success: FastCheck.constant(true),
    webhook_on_failure: FastCheck.constant(true),
    webhook_headers: FastCheck.constant({})
  }),
  settings: FastCheck.constant(defaultSpecSettings)
})

export const anyText = hostile
