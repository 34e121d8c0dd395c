import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { buildSpec } from "../../src/jobspec/buildSpec.ts"
import { type BuildBench, canBuild, openBuildBench, refusal, resultOf } from "./BuildBench.ts"
import { commitFiles, type GitServer, identity, makeRepository, startGitServer } from "./GitServer.ts"
import { phaseInput } from "./phaseInputs.ts"
import { execute } from "./processes.ts"
import { startRegistry } from "./Registry.ts"
import { type RunningStep, runStep, type StepEnded, startStep } from "./runStep.ts"

describe.runIf(canBuild)("a build that cannot succeed", { timeout: 60_000 }, () => {
  let bench: BuildBench

  beforeAll(async () => {
    bench = await openBuildBench()
  })
  afterAll(() => bench.close())

  it("says which submodule's repository is missing", async () => {
    const orphan = await makeRepository(`${bench.folder}/git`, "orphan")
    await commitFiles(orphan, {
      Dockerfile: "FROM scratch\n",
      ".gitmodules": `[submodule "gone"]\n\tpath = gone\n\turl = ${bench.git.url}/gone.git\n`
    })
    await execute(["git", "update-index", "--add", "--cacheinfo", `160000,${bench.commit},gone`], { cwd: orphan })
    await execute(["git", "commit", "-q", "-m", "gone"], { cwd: orphan, env: identity() })
    await execute(["git", "push", "-q"], { cwd: orphan, env: identity() })
    const ended = await bench.build({ repo_url: `${bench.git.url}/orphan.git` })
    assert.strictEqual(refusal(ended), "SubmoduleUnavailable")
    assert.include(ended.stderr, "gone.git")
  })

  it.each([
    ["an unknown branch", { git_ref: "nope" }, "RefNotFound"],
    ["an unknown commit", { git_ref: "0123456789012345678901234567890123456789" }, "RefNotFound"],
    ["an unknown shortened commit", { git_ref: "0123456789" }, "RefNotFound"],
    ["a ref that would be an option", { git_ref: "--upload-pack=id" }, "InvalidInput"],
    ["an address that would be an option", { repo_url: "--upload-pack=id" }, "InvalidInput"],
    ["a server that is not there", { repo_url: "http://127.0.0.1:1/app.git" }, "RepositoryUnreachable"],
    ["a Dockerfile that is not there", { dockerfile_path: "nope/Dockerfile" }, "DockerfileMissing"],
    ["a folder as Dockerfile", { dockerfile_path: "sub" }, "DockerfileMissing"],
    ["a context that is not there", { dockerfile_context: "nope" }, "ContextMissing"],
    ["a file as context", { dockerfile_context: "sub/Dockerfile" }, "ContextMissing"],
    ["a link out of the checkout as context", { dockerfile_context: "escape" }, "PathEscapes"],
    ["a link out of the checkout as Dockerfile", { dockerfile_path: "etc.Dockerfile" }, "PathEscapes"],
    ["a way out of the checkout", { dockerfile_context: "../.." }, "PathEscapes"],
    [
      "a base image of a registry that is not there",
      { dockerfile_path: "Dockerfile.dead-base" },
      "BaseImageUnavailable"
    ],
    ["a base image that is not there", { dockerfile_path: "Dockerfile.missing-base" }, "BaseImageMissing"]
  ])("refuses %s by a name of its own", async (_, changes, reason) => {
    const ended = await bench.build(changes)
    assert.strictEqual(refusal(ended), reason, ended.stderr)
    assert.deepEqual(ended.left, [])
  })

  it("refuses a repository that is not there", async () => {
    assert.strictEqual(refusal(await bench.build({ repo_url: `${bench.git.url}/nope.git` })), "RepositoryNotFound")
  })

  it("ends with the exit code of the step that failed, and with what it printed", async () => {
    const ended = await bench.build({ dockerfile_path: "Dockerfile.fails" })
    assert.strictEqual(refusal(ended), "BuildFailed")
    assert.strictEqual(ended.code, 7)
    assert.include(ended.stdout, "about to fail")
    assert.match(ended.stderr, /exit status 7/)
  })

  it("says when the registry is not there", async () => {
    const nowhere = buildSpec(
      phaseInput({ job: { repo_url: `${bench.git.url}/app.git`, registry_url: "127.0.0.1:1" } }),
      {
        kind: "temporary",
        image: "127.0.0.1:1/temp/x:latest"
      }
    )
    assert.strictEqual(refusal(await runStep(nowhere, bench.options())), "RegistryUnreachable")
  })

  it("says when the cache volume can't be written", async () => {
    writeFileSync(`${bench.folder}/file`, "")
    assert.strictEqual(refusal(await bench.build({}, { cache: `${bench.folder}/file` })), "CacheUnusable")
  })

  describe("with credentials", () => {
    let privateGit: GitServer
    beforeAll(async () => {
      privateGit = await startGitServer(`${bench.folder}/git`, "s3cret-token")
    })
    afterAll(() => privateGit.stop())

    it("clones with a token that shows up nowhere", async () => {
      const ended = await bench.build(
        { repo_url: `${privateGit.url}/app.git` },
        { secrets: { "git-password": "s3cret-token" } }
      )
      resultOf(ended)
      assert.notInclude(JSON.stringify(ended), "s3cret-token")
      assert.deepEqual(ended.left, [])
    })

    it("refuses without a token, and with a wrong one", async () => {
      const changes = { repo_url: `${privateGit.url}/app.git` }
      assert.strictEqual(refusal(await bench.build(changes)), "GitAuthRefused")
      const wrong = await bench.build(changes, { secrets: { "git-password": "wrong-token" } })
      assert.strictEqual(refusal(wrong), "GitAuthRefused")
      assert.notInclude(JSON.stringify(wrong), "wrong-token")
    })

    it("gives the token to the repository's own host only", async () => {
      const other = await startGitServer(`${bench.folder}/git`, "unknown")
      try {
        const thief = await makeRepository(`${bench.folder}/git`, "thief")
        await commitFiles(thief, {
          Dockerfile: "FROM scratch\n",
          ".gitmodules": `[submodule "x"]\n\tpath = x\n\turl = ${other.url}/app.git\n`
        })
        await execute(["git", "update-index", "--add", "--cacheinfo", `160000,${bench.commit},x`], { cwd: thief })
        await execute(["git", "commit", "-q", "-m", "x"], { cwd: thief, env: identity() })
        await execute(["git", "push", "-q"], { cwd: thief, env: identity() })
        const ended = await bench.build(
          { repo_url: `${privateGit.url}/thief.git` },
          { secrets: { "git-password": "s3cret-token" } }
        )
        assert.strictEqual(refusal(ended), "SubmoduleUnavailable")
        assert.isNotEmpty(other.seen)
        assert.deepEqual([...new Set(other.seen)], [""])
      } finally {
        await other.stop()
      }
    })

    it("clones with a key that only ssh can read, from a host whose key is then known", async () => {
      const programs = `${bench.folder}/programs`
      mkdirSync(programs)
      const seen = `${programs}/seen`
      const ssh = `#!/bin/sh
printf '%s\\n' "$@" >${seen}
for argument in "$@"; do
  case $previous in
    -i) stat -c '%a' "$argument" >>${seen}; cat "$argument" >>${seen} ;;
  esac
  previous=$argument
done
cd ${bench.folder}/git && exec sh -c "$argument"
`
      writeFileSync(`${programs}/ssh`, ssh, { mode: 0o755 })
      const secrets = { "git-ssh-key": "a key\r\nits end", "git-known-hosts": "git.example.com ssh-ed25519 AAAA\n" }
      const ended = await bench.build({ repo_url: "git@git.example.com:app.git" }, { secrets, programs })
      resultOf(ended)
      const [options] = readFileSync(seen, "utf8").split("git-upload-pack")
      for (const option of ["BatchMode=yes", "IdentitiesOnly=yes", "IdentityAgent=none", "StrictHostKeyChecking=yes"]) {
        assert.include(options, `-o\n${option}\n`)
      }
      assert.include(readFileSync(seen, "utf8"), "\n600\na key\nits end\n")
      assert.notInclude(JSON.stringify(ended), "its end")
      assert.deepEqual(ended.left, [])
    })

    it("takes an unknown host's key for one build unless the operator forbids it", async () => {
      const policy = async (sshHostKeys: "accept-new" | "yes"): Promise<string> => {
        const programs = mkdtempSync(`${bench.folder}/ssh-`)
        writeFileSync(`${programs}/ssh`, `#!/bin/sh\necho "$@" >&2\nexit 255\n`, { mode: 0o755 })
        const job = { repo_url: "git@git.example.com:app.git" }
        return (await runStep(bench.spec(job, { sshHostKeys }), bench.options({ programs }))).stderr
      }
      assert.include(await policy("accept-new"), "StrictHostKeyChecking=accept-new")
      assert.include(await policy("yes"), "StrictHostKeyChecking=yes")
    })

    it.each([
      ["a refused key", "git@git.example.com: Permission denied (publickey).", "GitAuthRefused"],
      ["an unknown host", "Host key verification failed.", "HostKeyRefused"],
      ["a hidden repository", "ERROR: Repository not found.", "RepositoryNotFound"],
      [
        "a host that does not answer",
        "ssh: connect to host git.example.com port 22: Connection timed out",
        "RepositoryUnreachable"
      ]
    ])("tells %s by what ssh says", async (_, message, reason) => {
      const programs = mkdtempSync(`${bench.folder}/ssh-`)
      writeFileSync(`${programs}/ssh`, `#!/bin/sh\necho '${message}' >&2\nexit 255\n`, { mode: 0o755 })
      const ended = await bench.build({ repo_url: "git@git.example.com:app.git" }, { programs })
      assert.strictEqual(refusal(ended), reason)
    })

    it("logs in to the registry before it builds", async () => {
      mkdirSync(`${bench.folder}/locked`)
      const locked = await startRegistry(`${bench.folder}/locked`, { login: true })
      try {
        const image = `${locked.host}/temp/x:latest`
        const job = {
          repo_url: `${bench.git.url}/app.git`,
          registry_url: locked.host,
          dockerfile_path: "sub/Dockerfile",
          dockerfile_context: "sub"
        }
        const login = (password: string): string =>
          JSON.stringify({ auths: { [locked.host]: { auth: Buffer.from(`builder:${password}`).toString("base64") } } })
        const lockedSpec = buildSpec(phaseInput({ job }), { kind: "temporary", image })
        const attempt = (secrets: Readonly<Record<string, string>>): Promise<StepEnded> =>
          runStep(lockedSpec, bench.options({ secrets }))
        resultOf(await attempt({ "auth.json": login("open-sesame") }))
        assert.strictEqual(refusal(await attempt({ "auth.json": login("wrong") })), "RegistryAuthRefused")
        assert.strictEqual(refusal(await attempt({})), "RegistryAuthRefused")

        await commitFiles(`${bench.folder}/git/app`, { "Dockerfile.private": `FROM ${image}\n` }, "private-base")
        const based = buildSpec(
          phaseInput({ job: { ...job, git_ref: "private-base", dockerfile_path: "Dockerfile.private" } }),
          {
            kind: "temporary",
            image: `${locked.host}/temp/y:latest`
          }
        )
        resultOf(
          await runStep(
            based,
            bench.options({ secrets: { "auth.json": login("open-sesame") }, cache: `${bench.folder}/cache-2` })
          )
        )
        const refused = await runStep(based, bench.options({ cache: `${bench.folder}/cache-3` }))
        assert.strictEqual(refusal(refused), "RegistryAuthRefused", refused.stderr)
      } finally {
        await locked.stop()
      }
    })
  })

  describe("when it is stopped", () => {
    const slow = (): RunningStep =>
      startStep(bench.spec({ dockerfile_path: "Dockerfile.slow", owner: "slow" }), bench.options())

    it("stops what runs, at once, and leaves nothing", async () => {
      const step = slow()
      await step.printed("now-it-runs")
      const before = Date.now()
      step.process.kill("SIGTERM")
      const ended = await step.ended
      assert.strictEqual(ended.code, 143)
      assert.isBelow(Date.now() - before, 8000)
      assert.include(ended.stderr, "stopped by a signal")
      assert.strictEqual(ended.result, "")
      assert.deepEqual(ended.left, [])
    })

    const folders = (): ReadonlyArray<string> => {
      const { JOBFORGE_CACHE_KEY: key = "" } = bench.spec({ owner: "slow" }).TaskGroups[0].Tasks[0].Env ?? {}
      const folder = `${bench.folder}/cache/jobforge/${key}/root/overlay-containers`
      return readdirSync(folder, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => `${folder}/${name}`)
    }
    const containers = (): number => folders().length

    it("has its working containers removed by the next build, but not while another build runs", async () => {
      const killed = slow()
      await killed.printed("now-it-runs")
      killed.signal("SIGKILL")
      await killed.ended
      assert.isAbove(containers(), 0)
      const running = slow()
      await running.printed("now-it-runs")
      const beside = await runStep(bench.spec({ owner: "slow" }), bench.options())
      resultOf(beside)
      assert.isAbove(containers(), 0)
      running.signal("SIGTERM")
      assert.strictEqual((await running.ended).code, 143)
      resultOf(await runStep(bench.spec({ owner: "slow" }), bench.options()))
      assert.strictEqual(containers(), 0)
    })

    it("has them removed even when an earlier removal was broken off halfway", async () => {
      const killed = slow()
      await killed.printed("now-it-runs")
      killed.signal("SIGKILL")
      await killed.ended
      const left = folders()
      assert.isAbove(left.length, 0)
      // What Buildah knows its own containers by.
      for (const folder of left) rmSync(`${folder}/userdata`, { recursive: true })
      resultOf(await runStep(bench.spec({ owner: "slow" }), bench.options()))
      assert.strictEqual(containers(), 0)
      resultOf(await runStep(bench.spec({ owner: "slow" }), bench.options()))
    })
  })
})
