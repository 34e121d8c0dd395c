import { execFileSync } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { type GitServer, startGitServer } from "../jobspec/GitServer.ts"
import { Installation } from "./support/Installation.ts"
import { busybox, makeRepository } from "./support/repositories.ts"
import { missingPrograms, titled } from "./support/requirements.ts"

const token = "git-token-4711"
const secret = `p"a$s\`s'w\\ord with spaces`

/** Files below a folder that hold a text. */
const holding = (folder: string, text: string): ReadonlyArray<string> =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((file) => {
      try {
        return statSync(file).isFile() && readFileSync(file).includes(text)
      } catch {
        return false
      }
    })

describe.skipIf(missingPrograms.length > 0)(titled("secrets from a file, in the place of Vault"), () => {
  const folder = mkdtempSync(join(tmpdir(), "jobforge-secrets-"))
  let git: GitServer
  let dev: Installation

  beforeAll(async () => {
    const work = join(folder, "work")
    const Dockerfile = `${busybox}\nENTRYPOINT ["/bin/true"]\n`
    makeRepository(work, { Dockerfile })
    execFileSync("git", ["clone", "--quiet", "--bare", work, join(folder, "served", "private.git")])
    git = await startGitServer(join(folder, "served"), token)
    const file = join(folder, "secrets.yaml")
    writeFileSync(
      file,
      JSON.stringify({
        "secret/data/git": { username: "x-access-token", password: token },
        "secret/data/app": { password: secret }
      })
    )
    dev = await Installation.start({ flags: ["--secrets", file], environment: { START_GRACE: "5s" } })
  }, 120_000)

  afterAll(async () => {
    await dev?.stop()
    await git?.stop()
    rmSync(folder, { recursive: true, force: true })
  }, 60_000)

  const record = (fields: object) => ({
    owner: "e2e",
    repo_url: `${git.url}/private.git`,
    image_name: "e2e/private",
    registry_url: dev.registry,
    git_credentials_path: "secret/data/git",
    ...fields
  })

  it(
    "clone a private repository and reach the test, and stand in no log and no status",
    { timeout: 180_000 },
    async () => {
      const test = {
        commands: [`test "$PASSWORD" = "$EXPECTED"`],
        env: { EXPECTED: secret },
        vault_policies: ["app"],
        vault_secrets: [{ path: "secret/data/app", fields: { password: "PASSWORD" } }]
      }
      await dev.put("private", record({ test }))
      const status = await dev.ended("private")
      assert.strictEqual(status.status, "SUCCEEDED", status.error)
      assert.isTrue(git.seen.includes(`Basic ${Buffer.from(`x-access-token:${token}`).toString("base64")}`))
      for (const { nomad_job_id: id } of status.attempts) {
        assert.notInclude(await dev.log(status, id, "stdout"), token)
        assert.notInclude(await dev.log(status, id, "stderr"), token)
      }
      assert.notInclude(JSON.stringify(status), token)
      assert.deepStrictEqual(holding(join(dev.folder, "data", "consul"), token), [])
    }
  )

  it("end a build early, with the path, when one is missing", { timeout: 120_000 }, async () => {
    await dev.put("missing", record({ git_credentials_path: "secret/data/nobody" }))
    const status = await dev.ended("missing")
    assert.strictEqual(status.reason, "SecretUnavailable")
    assert.include(status.error ?? "", "secret/data/nobody")
  })

  it("tell a refused credential from a missing repository", { timeout: 120_000 }, async () => {
    const { git_credentials_path: _path, ...without } = record({})
    await dev.put("refused", without)
    const status = await dev.ended("refused")
    assert.strictEqual(status.reason, "GitAuthRefused")
  })
})
