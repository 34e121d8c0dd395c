import { createHash } from "node:crypto"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { command, mountsBelow } from "../../scripts/cluster/Docker.ts"
import type { JobInput } from "../../src/api/Requests.ts"
import type { JobState } from "../../src/api/JobState.ts"
import { ClusterStage, eventually, found, minutes, titled } from "./support/ClusterStage.ts"
import { busybox, makeCorpusRepository } from "./support/Corpus.ts"
import { type HoldingProxy, startHoldingProxy } from "./support/HoldingProxy.ts"

/** Larger than what a held request lets pass. */
const random = "RUN dd if=/dev/urandom of=/random bs=1M count=8 2>/dev/null"

describe.skipIf(found.programs === undefined)(titled("what is killed on real Nomad"), { timeout: 2 * minutes }, () => {
  let stage: ClusterStage
  let git: HoldingProxy
  let registry: HoldingProxy

  beforeAll(async () => {
    stage = await ClusterStage.start({ KILL_TIMEOUT: "10s", RETRY_BACKOFF: "1s" })
    git = await startHoldingProxy(stage.git.url)
    registry = await startHoldingProxy(stage.cluster.registry.host)
  })
  afterAll(async () => {
    await git?.stop()
    await registry?.stop()
    await stage?.stop()
  })

  const repository = async (name: string, ...steps: ReadonlyArray<string>): Promise<void> => {
    const { cluster, git, repositories } = stage
    const dockerfile = () => [busybox, ...steps].join("\n")
    await makeCorpusRepository(repositories, { name, dockerfile }, { base: cluster.base, git: git.url })
  }

  /** Another Dockerfile on a branch of a repository that is there. */
  const branch = (name: string, of: string, ...steps: ReadonlyArray<string>): Promise<string> => {
    const script = `set -e
      git checkout -q -b "$1" && printf '%s\\n' "$3" >Dockerfile && git commit -q -a -m "$1" && git push -q "$2" "$1"`
    const tree = join(stage.repositories, "work", of)
    const bare = join(stage.repositories, `${of}.git`)
    return command(["sh", "-c", script, "sh", name, bare, [busybox, ...steps].join("\n")], author, tree)
  }

  const record = (name: string, more: Partial<JobInput> = {}): JobInput => ({
    owner: "kill",
    repo_url: `http://${git.host}/${name}.git`,
    image_name: `kill/${name}`,
    image_tags: ["v1", "latest"],
    registry_url: registry.host,
    resource_limits: { cpu: "500", memory: "512", disk: "2048" },
    ...more
  })

  interface Running {
    readonly id: string
    readonly allocation: string
    readonly container: string
  }

  /** The job's newest step once its container runs. */
  const running = async (id: string): Promise<Running> => {
    let seen: Running | undefined
    await eventually("a step runs", async () => {
      const { attempts } = await stage.client.getStatus(id)
      const allocation = attempts.at(-1)?.allocation_id
      if (allocation === undefined) return false
      const [container] = await stage.cluster.docker.containers(allocation)
      if (container === undefined) return false
      seen = { id, allocation, container }
      return true
    })
    if (seen === undefined) throw new Error("nothing runs")
    return seen
  }

  const printed = (id: string, text: string): Promise<void> =>
    eventually(`the log says ${text}`, async () => {
      const { logs } = await stage.client.getLogs(id)
      return [...logs.build, ...logs.test].some((line) => line.endsWith(`] ${text}`))
    })

  const killed = async (step: Running): Promise<JobState> => {
    const before = performance.now()
    await stage.client.killJob(step.id)
    const state = await stage.ended(step.id)
    const took = ((performance.now() - before) / 1000).toFixed(1)
    process.stdout.write(`ended ${took} s after the kill: ${state.status} ${state.reason}\n`)
    assert.strictEqual(state.status, "FAILED")
    assert.strictEqual(state.reason, "Cancelled")
    await nothingLeft(step)
    return state
  }

  const nothingLeft = async ({ allocation, container }: Running): Promise<void> => {
    const { docker, nomad } = stage.cluster
    await eventually("the container is gone", async () => (await docker.containers(allocation)).length === 0)
    assert.deepStrictEqual(processesOf(container), [])
    await eventually("Docker has nothing mounted", async () => docker.mounts().length === 0)
    assert.deepStrictEqual(mountsBelow(nomad.cache), [])
    for (const store of stores()) await command(["flock", "--nonblock", "--exclusive", join(store, "gate"), "true"])
    await eventually("no slot is held", async () => (await keys("slots/")).length === 0)
  }

  const keys = async (prefix: string): Promise<ReadonlyArray<string>> => {
    const answer = await fetch(`${stage.cluster.consul}/v1/kv/jobforge-service/${prefix}?keys`)
    const listed: unknown = answer.status === 404 ? [] : await answer.json()
    return Array.isArray(listed) ? listed.map(String) : []
  }

  const stores = (): ReadonlyArray<string> => {
    const folder = join(stage.cluster.nomad.cache, "jobforge")
    return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : []
  }

  /** Of builds that didn't end by themselves, in all stores. */
  const workingContainers = (): number => {
    const lists = ["containers.json", "volatile-containers.json"]
    const files = stores().flatMap((store) => lists.map((name) => join(store, "root", "overlay-containers", name)))
    return files
      .filter((file) => existsSync(file))
      .map((file): unknown => JSON.parse(readFileSync(file, "utf8")))
      .reduce<number>((sum, list) => sum + (Array.isArray(list) ? list.length : 0), 0)
  }

  /** Every tag of a repository leads to bytes that are all there and as they were. */
  const wholeTags = async (name: string): Promise<ReadonlyArray<string>> => {
    const base = `http://${stage.cluster.registry.host}/v2/${name}`
    const listed = (await (await fetch(`${base}/tags/list`)).text()).match(/"tags":\[([^\]]*)\]/)?.[1] ?? ""
    const tags = listed.split(",").flatMap((tag) => (tag === "" ? [] : [tag.replaceAll('"', "")]))
    const headers = { accept: "application/vnd.oci.image.manifest.v1+json" }
    for (const tag of tags) {
      const manifest = await fetch(`${base}/manifests/${tag}`, { headers })
      assert.strictEqual(manifest.status, 200, tag)
      for (const [digest] of (await manifest.text()).matchAll(/sha256:[0-9a-f]{64}/g)) {
        const blob = Buffer.from(await (await fetch(`${base}/blobs/${digest}`)).arrayBuffer())
        assert.strictEqual(`sha256:${createHash("sha256").update(blob).digest("hex")}`, digest)
      }
    }
    return tags.toSorted()
  }

  const builds = async (name: string, more: Partial<JobInput> = {}): Promise<JobState> => {
    const state = await stage.ended(await stage.submit(record(name, more)))
    assert.strictEqual(state.status, "SUCCEEDED", state.error)
    return state
  }

  it("ends while it clones", async () => {
    await repository("clone", "RUN true")
    const held = git.hold(({ method }) => method === "POST")
    const id = await stage.submit(record("clone"))
    await held
    const state = await killed(await running(id))
    assert.strictEqual(state.failed_phase, "build")
    assert.deepStrictEqual(await wholeTags("kill/clone"), [])
    await builds("clone")
  })

  it("ends while it builds, and the next build has its layers", async () => {
    await repository("build", "RUN echo a layer to keep >/layer", "RUN echo begun && sleep 300")
    await branch("quick", "build", "RUN echo a layer to keep >/layer", "RUN echo quick")
    const id = await stage.submit(record("build"))
    await printed(id, "begun")
    await killed(await running(id))
    assert.deepStrictEqual(await wholeTags("kill/build"), [])
    const { job_id: next } = await builds("build", { git_ref: "quick" })
    const { logs } = await stage.client.getLogs(next)
    assert.isAbove(logs.build.filter((line) => line.includes("Using cache")).length, 1)
    assert.strictEqual(workingContainers(), 0)
  })

  it("ends beside another build of its project, which doesn't notice", async () => {
    await repository("beside", "RUN echo begun && sleep 300")
    await branch("longer", "beside", "RUN echo started && sleep 12", "RUN echo went on >/on")
    await branch("after", "beside", "RUN echo after")
    const victim = await stage.submit(record("beside"))
    const other = await stage.submit(record("beside", { git_ref: "longer", image_tags: ["other"] }))
    await Promise.all([printed(victim, "begun"), printed(other, "started")])
    await stage.client.killJob(victim)
    assert.strictEqual((await stage.ended(victim)).reason, "Cancelled")
    // While it builds, nothing may be cleaned: a third one comes meanwhile.
    const third = await builds("beside", { git_ref: "after", image_tags: ["third"] })
    const state = await stage.ended(other)
    assert.strictEqual(state.status, "SUCCEEDED", state.error)
    assert.deepStrictEqual(await wholeTags("kill/beside"), [other, third.job_id, "other", "third"].toSorted())
    await builds("beside", { git_ref: "after", image_tags: ["fourth"] })
    assert.strictEqual(workingContainers(), 0)
  })

  it("ends while it pushes what was built, without a tag", async () => {
    await repository("push", random)
    const held = registry.hold(({ method, url }) => method === "PATCH" && url?.startsWith("/v2/kill/push/") === true)
    const id = await stage.submit(record("push"))
    await held
    await killed(await running(id))
    assert.deepStrictEqual(await wholeTags("kill/push"), [])
    const { job_id: next } = await builds("push")
    assert.deepStrictEqual(await wholeTags("kill/push"), [next, "latest", "v1"].toSorted())
  })

  it.each(["body", "answer"] as const)(
    "ends while it pushes what is to be tested, and removes it: %s",
    async (what) => {
      const name = `temporary-${what}`
      await repository(name, random)
      const held = registry.hold(({ method, url }) => method === "PUT" && url?.includes("/manifests/") === true, what)
      const id = await stage.submit(record(name, { test: { commands: ["true"] } }))
      await held
      // The registry may have taken the tag already: it goes all the same.
      assert.deepStrictEqual(await wholeTags(`temp/${id}`), what === "body" ? [] : ["latest"])
      await killed(await running(id))
      await eventually("the temporary image is gone", async () => (await wholeTags(`temp/${id}`)).length === 0)
      assert.deepStrictEqual(await wholeTags(`kill/${name}`), [])
    }
  )

  it("ends while a test runs that doesn't want to, with what the test has started", async () => {
    await repository("test", "RUN true")
    const stubborn = "trap '' TERM; sh -c 'trap \"\" TERM; sleep 300' & echo begun; while :; do sleep 300; done"
    const id = await stage.submit(record("test", { test: { commands: [stubborn] } }))
    await printed(id, "begun")
    const state = await killed(await running(id))
    assert.strictEqual(state.failed_phase, "test")
    assert.deepStrictEqual(await wholeTags("kill/test"), [])
    await eventually("the temporary image is gone", async () => (await wholeTags(`temp/${id}`)).length === 0)
  })

  it("ends while it publishes: a tag is whole or not there, and the job's own isn't", async () => {
    await repository("publish", random)
    const latest = "/v2/kill/publish/manifests/latest"
    const held = registry.hold(({ method, url }) => method === "PUT" && url === latest)
    const id = await stage.submit(record("publish", { test: { commands: ["true"] } }))
    await held
    const state = await killed(await running(id))
    assert.strictEqual(state.failed_phase, "publish")
    assert.deepStrictEqual(await wholeTags("kill/publish"), ["v1"])
    await eventually("the temporary image is gone", async () => (await wholeTags(`temp/${id}`)).length === 0)
    const { job_id: next } = await builds("publish", { test: { commands: ["true"] } })
    assert.deepStrictEqual(await wholeTags("kill/publish"), [next, "latest", "v1"].toSorted())
  })

  /** As the end of Docker's daemon or of the machine would: nobody is told. */
  const killHard = async (step: Running): Promise<void> => {
    await stage.cluster.docker.run(["kill", "--signal", "KILL", step.container])
    const { attempts } = await stage.client.wait(step.id, { until: (state) => state.attempts[0]?.result !== undefined })
    const [first] = attempts
    assert.deepInclude(first, { result: "failed", exit_code: 137, infrastructure: true })
  }

  it("is killed hard while it builds: it is tried again, and the next build removes what it left", async () => {
    await repository("hard", "RUN echo a layer to keep", "RUN echo begun && sleep 300")
    await branch("fine", "hard", "RUN echo a layer to keep", "RUN echo fine")
    const id = await stage.submit(record("hard"))
    await printed(id, "begun")
    const step = await running(id)
    await killHard(step)
    const left = workingContainers()
    assert.isAbove(left, 0)
    await eventually("it is tried again", async () => (await stage.client.getStatus(id)).attempts.length === 2)
    await killed(await running(id))
    await nothingLeft(step)
    await builds("hard", { git_ref: "fine" })
    assert.strictEqual(workingContainers(), 0)
  })

  it("is killed hard while it pushes: no tag, and the next attempt publishes", async () => {
    await repository("hard-push", random)
    const held = registry.hold(({ method, url }) => method === "PATCH" && url?.includes("/hard-push/") === true)
    const id = await stage.submit(record("hard-push"))
    await held
    const step = await running(id)
    await killHard(step)
    const state = await stage.ended(id)
    assert.strictEqual(state.status, "SUCCEEDED", state.error)
    await nothingLeft(step)
    assert.deepStrictEqual(await wholeTags("kill/hard-push"), [id, "latest", "v1"].toSorted())
  })

  it("is killed hard while it publishes: what is tagged is whole, and the next attempt goes on", async () => {
    await repository("hard-publish", random)
    const latest = "/v2/kill/hard-publish/manifests/latest"
    const held = registry.hold(({ method, url }) => method === "PUT" && url === latest)
    const id = await stage.submit(record("hard-publish", { test: { commands: ["true"] } }))
    await held
    const step = await running(id)
    await stage.cluster.docker.run(["kill", "--signal", "KILL", step.container])
    const state = await stage.ended(id)
    assert.strictEqual(state.status, "SUCCEEDED", state.error)
    assert.lengthOf(
      state.attempts.filter(({ phase }) => phase === "publish"),
      2
    )
    await nothingLeft(step)
    assert.deepStrictEqual(await wholeTags("kill/hard-publish"), [id, "latest", "v1"].toSorted())
  })

  it("leaves no mount once Nomad has forgotten the jobs", async () => {
    const { nomad } = stage.cluster
    await eventually("Nomad has removed all allocations", async () => {
      // What cleans up may have run until now.
      await nomad.read("/v1/system/gc", "PUT")
      return !(await nomad.read("/v1/allocations")).includes('"ID"')
    })
    await eventually("their mounts are gone", async () => mountsBelow(nomad.allocations).length === 0)
  })
})

const author = Object.fromEntries(
  ["AUTHOR", "COMMITTER"].flatMap((role) => [
    [`GIT_${role}_NAME`, "Ada"],
    [`GIT_${role}_EMAIL`, "ada@example.com"]
  ])
)

/** Command lines of the processes that belong to a container. */
const processesOf = (container: string): ReadonlyArray<string> =>
  readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid))
    .flatMap((pid) => {
      try {
        if (!readFileSync(`/proc/${pid}/cgroup`, "utf8").includes(container)) return []
        return [readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")]
      } catch {
        return []
      }
    })
