import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { cleanupSpec } from "../../src/jobspec/cleanupSpec.ts"
import type { NomadJob } from "../../src/jobspec/NomadJob.ts"
import { publishSpec } from "../../src/jobspec/publishSpec.ts"
import { PublishResult } from "../../src/jobspec/StepResult.ts"
import { canBuild, refusal } from "./BuildBench.ts"
import { phaseInput } from "./phaseInputs.ts"
import { execute } from "./processes.ts"
import { type Registry, startRegistry } from "./Registry.ts"
import { runStep, type StepEnded } from "./runStep.ts"

describe.runIf(canBuild)("with a real registry", { timeout: 60_000 }, () => {
  let folder = ""
  let registry: Registry

  beforeAll(async () => {
    folder = mkdtempSync(`${tmpdir()}/jobforge-publish-`)
    registry = await startRegistry(folder)
  })
  afterAll(async () => {
    await registry.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  /** Puts an image of one small file into a registry and gives its digest. */
  const push = async (content: string, name: string, to: Registry = registry): Promise<string> => {
    const work = mkdtempSync(`${folder}/image-`)
    writeFileSync(`${work}/file`, content)
    writeFileSync(`${work}/Dockerfile`, "FROM scratch\nCOPY file /\n")
    const store = ["buildah", "--root", `${work}/root`, "--runroot", `${work}/run`, "--storage-driver", "vfs"]
    await execute([...store, "bud", "-q", "-t", "image", work])
    const login = ["--creds", "builder:open-sesame", "--tls-verify=false"]
    await execute([
      ...store,
      "push",
      "-q",
      ...login,
      "--digestfile",
      `${work}/digest`,
      "image",
      `docker://${to.host}/${name}`
    ])
    return execute(["cat", `${work}/digest`])
  }

  const publish = (source: string, digest: string, images: ReadonlyArray<string>, host = registry.host): NomadJob =>
    publishSpec(phaseInput({ job: { registry_url: host } }), `${source}@${digest}`, digest, images)

  const run = (job: NomadJob, secrets: Readonly<Record<string, string>> = {}): Promise<StepEnded> =>
    runStep(job, { folder, secrets })

  describe("the publish script", () => {
    const images = (...tags: ReadonlyArray<string>): ReadonlyArray<string> =>
      tags.map((tag) => `${registry.host}/team/app:${tag}`)

    it("gives every tag the digest that was tested, and says so", async () => {
      const digest = await push("one", "temp/one:latest")
      const tags = images("job-1", "latest", "v1")
      const ended = await run(publish(`${registry.host}/temp/one`, digest, tags))
      assert.strictEqual(ended.code, 0, ended.stderr)
      const { usage, ...result } = Schema.decodeUnknownSync(PublishResult)(ended.result)
      assert.strictEqual(result.digest, digest)
      assert.sameOrderedMembers([...result.images], [...tags])
      assert.isAbove(usage?.disk ?? 0, 0)
      for (const tag of ["job-1", "latest", "v1"]) assert.strictEqual(await registry.digest("team/app", tag), digest)
      assert.strictEqual(
        ended.stdout,
        `${tags.map((image) => `Published image: ${image}\n`).join("")}All images published successfully\n`
      )
      assert.deepEqual(ended.left, [])
    })

    it("moves no tag again when the job id's tag shows that an earlier attempt is done", async () => {
      const digest = await push("first", "temp/first:latest")
      await run(publish(`${registry.host}/temp/first`, digest, images("job-2", "moving")))
      const newer = await push("newer", "team/app:moving")
      const ended = await run(publish(`${registry.host}/temp/first`, digest, images("job-2", "moving")))
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.deepEqual(Schema.decodeUnknownSync(PublishResult)(ended.result).digest, digest)
      assert.strictEqual(await registry.digest("team/app", "moving"), newer)
    })

    it("publishes what was tested, though the temporary tag has moved", async () => {
      const tested = await push("tested", "temp/moved:latest")
      await push("later", "temp/moved:latest")
      const ended = await run(publish(`${registry.host}/temp/moved`, tested, images("job-3")))
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.strictEqual(await registry.digest("team/app", "job-3"), tested)
    })

    it("copies from one registry to another", async () => {
      mkdirSync(`${folder}/other`)
      const other = await startRegistry(`${folder}/other`)
      try {
        const digest = await push("across", "temp/across:latest")
        const tags = [`${other.host}/team/app:job-1`, `${other.host}/team/app:latest`]
        const ended = await run(publish(`${registry.host}/temp/across`, digest, tags))
        assert.strictEqual(ended.code, 0, ended.stderr)
        assert.strictEqual(await other.digest("team/app", "job-1"), digest)
      } finally {
        await other.stop()
      }
    })

    it("says when the tested image is gone, and publishes nothing", async () => {
      const missing = `sha256:${"0".repeat(64)}`
      const ended = await run(publish(`${registry.host}/temp/one`, missing, images("job-4", "other")))
      assert.strictEqual(refusal(ended), "SourceMissing", ended.stderr)
      assert.isUndefined(await registry.digest("team/app", "job-4"))
      assert.isUndefined(await registry.digest("team/app", "other"))
    })

    it("says when a registry is not there", async () => {
      const digest = await push("one", "temp/one:latest")
      const ended = await run(publish("127.0.0.1:1/temp/one", digest, images("job-5")))
      assert.strictEqual(refusal(ended), "RegistryUnreachable", ended.stderr)
    })

    it("refuses an image that would be an option", async () => {
      const ended = await run(publish(`${registry.host}/temp/one`, `sha256:${"0".repeat(64)}`, ["--insecure-policy"]))
      assert.strictEqual(refusal(ended), "InvalidInput")
    })

    it("logs in by the auth file, and says when the login is refused", async () => {
      mkdirSync(`${folder}/locked`)
      const locked = await startRegistry(`${folder}/locked`, { login: true })
      try {
        const auth = (password: string): Readonly<Record<string, string>> => ({
          "auth.json": JSON.stringify({
            auths: { [locked.host]: { auth: Buffer.from(`builder:${password}`).toString("base64") } }
          })
        })
        const digest = await push("locked", "temp/locked:latest", locked)
        const job = publish(`${locked.host}/temp/locked`, digest, [`${locked.host}/team/app:job-1`], locked.host)
        assert.strictEqual(refusal(await run(job, auth("wrong"))), "RegistryAuthRefused")
        assert.strictEqual(refusal(await run(job)), "RegistryAuthRefused")
        const ended = await run(job, auth("open-sesame"))
        assert.strictEqual(ended.code, 0, ended.stderr)
        assert.strictEqual(await locked.digest("team/app", "job-1"), digest)
      } finally {
        await locked.stop()
      }
    })
  })

  describe("the cleanup script", () => {
    const cleanup = (image: string): Promise<StepEnded> =>
      run(cleanupSpec(phaseInput({ job: { registry_url: registry.host } }), image))

    it("deletes the temporary image, and finds nothing to do the next time", async () => {
      const image = `${registry.host}/temp/gone:latest`
      await push("gone", "temp/gone:latest")
      const ended = await cleanup(image)
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.include(ended.stdout, "Cleanup completed successfully")
      assert.isUndefined(await registry.digest("temp/gone", "latest"))
      assert.strictEqual((await cleanup(image)).code, 0)
    })

    it("leaves what was published from it", async () => {
      const digest = await push("kept", "temp/kept:latest")
      await run(publish(`${registry.host}/temp/kept`, digest, [`${registry.host}/team/kept:job-1`]))
      assert.strictEqual((await cleanup(`${registry.host}/temp/kept:latest`)).code, 0)
      assert.strictEqual(await registry.digest("team/kept", "job-1"), digest)
    })

    it("has nothing to do where there never was an image", async () => {
      assert.strictEqual((await cleanup(`${registry.host}/temp/never:latest`)).code, 0)
    })

    it("says when the registry allows no deletion", async () => {
      mkdirSync(`${folder}/fixed`)
      const fixed = await startRegistry(`${folder}/fixed`, { deletion: false })
      try {
        await push("fixed", "temp/fixed:latest", fixed)
        const ended = await cleanup(`${fixed.host}/temp/fixed:latest`)
        assert.strictEqual(refusal(ended), "DeletionDisabled", ended.stderr)
      } finally {
        await fixed.stop()
      }
    })

    it("says when the registry is not there", async () => {
      assert.strictEqual(refusal(await cleanup("127.0.0.1:1/temp/x:latest")), "RegistryUnreachable")
    })
  })
})
