import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import type { JobInput } from "../../src/api/Requests.ts"
import type { JobState } from "../../src/api/JobState.ts"
import { ClusterStage, eventually, found, minutes, titled } from "./support/ClusterStage.ts"
import { busybox, type CorpusCase, makeCorpusRepository } from "./support/Corpus.ts"
import { dockerfiles } from "./support/dockerfiles.ts"
import { repositoriesOfKinds } from "./support/repositoriesOfKinds.ts"

const corpus = [...dockerfiles, ...repositoriesOfKinds]

interface Outcome {
  readonly name: string
  readonly state?: JobState
  /** Why it can't be tried on this machine. */
  readonly skipped?: string
  readonly words: string
  readonly unsupported?: string | undefined
}

/** What must build, of all that is tried. */
const share = 0.95

describe.skipIf(found.programs === undefined)(titled("a corpus of Dockerfiles on real Nomad"), () => {
  let stage: ClusterStage
  const outcomes: Array<Outcome> = []

  beforeAll(async () => {
    stage = await ClusterStage.start({ MAX_RUNNING_JOBS: "3", RETRY_BACKOFF: "1s" })
  })
  afterAll(() => stage?.stop())

  const secretsOf = async ({ access, name }: CorpusCase): Promise<Partial<JobInput>> => {
    const { cluster, ssh } = stage
    if (access === "token") {
      const path = await cluster.vault?.put("token", { username: "x-access-token", password: ClusterStage.token })
      return {
        repo_url: `${stage.guardedGit.url}/${name}.git`,
        ...(path === undefined ? {} : { git_credentials_path: path })
      }
    }
    const path = await cluster.vault?.put("ssh", { ssh_key: ssh?.key ?? "", known_hosts: ssh?.hostKey ?? "" })
    return {
      repo_url: ssh?.url(`${stage.repositories}/${name}.git`) ?? "",
      ...(path === undefined ? {} : { git_credentials_path: path })
    }
  }

  const wanting = ({ access }: CorpusCase): string | undefined => {
    if (access === undefined) return undefined
    if (stage.cluster.vault === undefined) return "no Vault to give the credentials"
    return access === "ssh" && stage.ssh === undefined ? "no sshd" : undefined
  }

  const attempt = async (entry: CorpusCase): Promise<Outcome> => {
    const skipped = wanting(entry)
    if (skipped !== undefined) return { name: entry.name, skipped, words: "" }
    const { cluster, git, repositories } = stage
    const commit = await makeCorpusRepository(repositories, entry, { base: cluster.base, git: git.url })
    const id = await stage.submit({
      owner: "corpus",
      repo_url: `${git.url}/${entry.name}.git`,
      ...(entry.gitRef === undefined ? {} : { git_ref: entry.gitRef(commit) }),
      image_name: `corpus/${entry.name}`,
      image_tags: ["latest"],
      registry_url: cluster.registry.host,
      test: entry.commands === undefined ? { entry_point: true } : { commands: entry.commands },
      resource_limits: { cpu: "500", memory: "512", disk: "2048" },
      ...entry.record,
      ...(entry.access === undefined ? {} : await secretsOf(entry))
    })
    const state = await stage.ended(id)
    const words = state.status === "SUCCEEDED" ? "" : (await stage.client.diagnosis(id)).summary
    return { name: entry.name, state, words, unsupported: entry.unsupported }
  }

  /** Everything at once, as users would submit it: how many run is the service's to say. */
  it("goes through build, test and publish", { timeout: 20 * minutes }, async () => {
    // One repository is what the next one's Dockerfile adds a file from: the first is made first.
    for (const some of [corpus.slice(0, 1), corpus.slice(1)]) outcomes.push(...(await Promise.all(some.map(attempt))))
    const tried = outcomes.filter(({ skipped }) => skipped === undefined)
    const built = tried.filter(({ state }) => state?.status === "SUCCEEDED")
    process.stdout.write(`${table(outcomes)}\n${built.length} of ${tried.length} built\n`)
    assert.isAtLeast(tried.length, 20)
    assert.isAtLeast(built.length / tried.length, share)
    const failed = tried.filter(({ state }) => state?.status !== "SUCCEEDED")
    assert.deepStrictEqual(
      failed.filter(({ unsupported }) => unsupported === undefined).map(({ name, words }) => `${name}: ${words}`),
      []
    )
  })

  it("has each image in the registry under its tags, and no temporary one", async () => {
    for (const { name, state } of outcomes) {
      if (state?.status !== "SUCCEEDED") continue
      const { registry } = stage.cluster
      assert.isDefined(state.digest)
      for (const tag of ["latest", state.job_id]) {
        assert.strictEqual(await registry.digest(`corpus/${name}`, tag), state.digest, `${name}:${tag}`)
      }
      const gone = async () => (await registry.digest(`temp/${state.job_id}`, "latest")) === undefined
      await eventually(`the temporary image of ${name} is gone`, gone)
    }
  })

  /** What each error reads like is the builder image's Buildah's and Git's to say: the reason must be told all the same. */
  it.each([
    { reason: "BaseImageMissing", dockerfile: "FROM REGISTRY/no/such:image", more: {} },
    { reason: "BaseImageUnavailable", dockerfile: "FROM 127.0.0.1:1/no/such:image", more: {} },
    { reason: "BuildFailed", dockerfile: `${busybox}\nRUN exit 7`, more: {} },
    { reason: "BuildFailed", dockerfile: "FROM scratch\nNO-SUCH-STEP", more: {} },
    { reason: "RefNotFound", dockerfile: "FROM scratch", more: { git_ref: "no-such-branch" } },
    { reason: "DockerfileMissing", dockerfile: "FROM scratch", more: { dockerfile_path: "No.such" } },
    { reason: "GitAuthRefused", dockerfile: "FROM scratch", more: {}, guarded: true }
  ])("says $reason of $dockerfile $more", async ({ dockerfile, guarded, more, reason }) => {
    const { cluster, git, guardedGit, repositories } = stage
    const name = `refused-${reason}-${dockerfile.length}`
    const text = dockerfile.replace("REGISTRY", cluster.registry.host)
    await makeCorpusRepository(repositories, { name, dockerfile: () => text }, { base: cluster.base, git: git.url })
    const id = await stage.submit({
      owner: "corpus",
      repo_url: `${guarded === true ? guardedGit.url : git.url}/${name}.git`,
      image_name: name.toLowerCase(),
      registry_url: cluster.registry.host,
      ...more
    })
    const state = await stage.ended(id)
    assert.strictEqual(state.status, "FAILED")
    assert.strictEqual(state.reason, reason, state.error)
    if (dockerfile.endsWith("exit 7")) assert.strictEqual(state.exit_code, 7)
  })

  it("leaves no container", async () => {
    await eventually("no container is left", async () => (await stage.cluster.docker.containers()).length === 0)
  })
})

const table = (outcomes: ReadonlyArray<Outcome>): string => {
  const rows = outcomes.map(({ name, skipped, state, unsupported, words }) => {
    const metrics = state?.metrics
    const times = [metrics?.build_duration, metrics?.test_duration, metrics?.publish_duration].map(seconds)
    return [name, skipped === undefined ? (state?.status ?? "") : `skipped: ${skipped}`, ...times, unsupported ?? words]
  })
  const head = ["Dockerfile", "result", "build s", "test s", "publish s", ""]
  const widths = head.map((_, column) =>
    Math.max(...[head, ...rows].map((row) => (column === 5 ? 0 : (row[column] ?? "").length)))
  )
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd()
    )
    .join("\n")
}

const seconds = (nanoseconds: number | undefined): string =>
  nanoseconds === undefined ? "" : (nanoseconds / 1e9).toFixed(1)
