import { assert } from "@effect/vitest"
import { Schema } from "effect"
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import type { ResolvedJob } from "../../src/domain/resolve.ts"
import { buildSpec } from "../../src/jobspec/buildSpec.ts"
import type { NomadJob } from "../../src/jobspec/NomadJob.ts"
import type { SpecSettings } from "../../src/jobspec/SpecSettings.ts"
import { BuildResult, StepFailure } from "../../src/jobspec/StepResult.ts"
import { commitFiles, type GitServer, identity, makeRepository, startGitServer } from "./GitServer.ts"
import { jobId, phaseInput } from "./phaseInputs.ts"
import { available, execute } from "./processes.ts"
import { type Registry, startRegistry } from "./Registry.ts"
import { runStep, type StepEnded, type StepOptions } from "./runStep.ts"

const needed = ["buildah", "skopeo", "git", "docker-registry", "flock", "unshare", "busybox"]

/** Elsewhere these tests would test what is missing. */
export const canBuild = process.getuid?.() === 0 && needed.every(available)

export interface BuildBench {
  readonly folder: string
  readonly registry: Registry
  readonly git: GitServer
  /** The commit of branch `main` and tag `v1` of the repository `app`; branch `feature/x` has another. */
  readonly commit: string
  readonly spec: (job?: Partial<ResolvedJob>, settings?: Partial<SpecSettings>) => NomadJob
  readonly options: (options?: Partial<StepOptions>) => StepOptions
  readonly build: (job?: Partial<ResolvedJob>, options?: Partial<StepOptions>) => Promise<StepEnded>
  readonly close: () => Promise<void>
}

/** A registry, a Git server and a repository to build, all on this machine and in one folder. */
export const openBuildBench = async (): Promise<BuildBench> => {
  const folder = mkdtempSync(`${tmpdir()}/jobforge-build-`)
  const registry = await startRegistry(folder)
  mkdirSync(`${folder}/git`)
  const git = await startGitServer(`${folder}/git`)
  const commit = await makeApp(folder, registry)
  const spec: BuildBench["spec"] = (job = {}, settings = {}) =>
    buildSpec(
      phaseInput({
        settings,
        job: { repo_url: `${git.url}/app.git`, registry_url: registry.host, image_name: "team/app", ...job }
      }),
      { kind: "temporary", image: `${registry.host}/temp/${jobId}:latest` }
    )
  const options: BuildBench["options"] = (more = {}) => ({ folder, cache: `${folder}/cache`, ...more })
  return {
    folder,
    registry,
    git,
    commit,
    spec,
    options,
    build: (job, more) => runStep(spec(job), options(more)),
    close: async () => {
      await git.stop()
      await registry.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

export const resultOf = (ended: StepEnded): typeof BuildResult.Type => {
  assert.strictEqual(ended.code, 0, ended.stderr)
  assert.strictEqual(ended.failure, "")
  return Schema.decodeUnknownSync(BuildResult)(ended.result)
}

/** The reason of a step that gave up by itself. */
export const refusal = (ended: StepEnded): string => {
  assert.strictEqual(ended.result, "")
  const { reason, exitCode } = Schema.decodeUnknownSync(StepFailure)(ended.failure)
  assert.strictEqual(ended.code, exitCode)
  assert.include(ended.stderr, `jobforge: ${reason}: `)
  return reason
}

/** A base image would need a network: the shell comes with the context. */
const dockerfile = (steps: string): string =>
  `FROM scratch\nADD busybox /bin/sh\nADD busybox /bin/busybox\nRUN ["/bin/busybox", "--install", "-s", "/bin"]\n${steps}\n`

const makeApp = async (folder: string, registry: Registry): Promise<string> => {
  const app = await makeRepository(`${folder}/git`, "app")
  copyFileSync(await execute(["sh", "-c", "command -v busybox"]), `${app}/busybox`)
  const commit = await commitFiles(app, {
    Dockerfile: dockerfile("RUN echo step-one && echo hello >/hello"),
    "Dockerfile.fails": dockerfile("RUN echo about to fail && exit 7"),
    "Dockerfile.slow": dockerfile("RUN echo now-it-runs && sleep 60"),
    "Dockerfile.missing-base": `FROM ${registry.host}/no/such:base\n`,
    "Dockerfile.dead-base": "FROM 127.0.0.1:1/no/such:base\n",
    "sub/Dockerfile": "FROM scratch\nCOPY only-here /\n",
    "sub/only-here": "x",
    escape: "-> /etc",
    "etc.Dockerfile": "-> /etc/hostname",
    inner: "-> sub",
    // Files whose names Buildah would take for two, of which the second lies outside.
    "two,/etc/hostname": "FROM scratch\n",
    "comma.Dockerfile": "-> two,/etc/hostname",
    'quote"d.Dockerfile': "FROM scratch\nLABEL quoted=yes\n",
    "quote.Dockerfile": '-> quote"d.Dockerfile'
  })
  await execute(["git", "tag", "-a", "-m", "one", "v1"], { cwd: app, env: identity() })
  await execute(["git", "push", "-q", "--tags"], { cwd: app, env: identity() })
  await commitFiles(app, { second: "2" }, "feature/x")
  await execute(["git", "update-server-info"], { cwd: `${app}.git` })
  return commit
}
