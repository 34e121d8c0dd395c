import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { FileSystem } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import type { JobInput } from "../../../src/api/Requests.ts"
import { recordEnded } from "../../../src/commands/history/recordEnded.ts"
import { recordSubmitted } from "../../../src/commands/history/recordSubmitted.ts"
import { diskFull, namesIn, put, recorded, scratch, system, textOf, withFileSystem } from "../support/scratch.ts"
import { failed, id, job, log, succeeded } from "./builds.ts"

const submit = (deployDir: string, jobId = id, given = job) =>
  recorded(recordSubmitted({ deployDir, jobId, job: given }))

const end = (deployDir: string, state = succeeded, logs = Option.some(log), given = job) =>
  recorded(recordEnded({ deployDir, jobId: id, job: given, state, logs }))

describe("the local history", () => {
  it.scopedLive("of a submission is its metadata and an entry", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const deployDir = `${yield* scratch}/deploy`
      const { io } = yield* submit(deployDir)
      assert.strictEqual(io.out(), "")
      assert.strictEqual(io.err(), `History recorded to: ${deployDir}/builds/${id}\n`)
      assert.deepStrictEqual(yield* namesIn(deployDir), ["builds", "history.md"])
      assert.deepStrictEqual(yield* namesIn(`${deployDir}/builds/${id}`), ["metadata.yaml"])
      for (const folder of ["", "/builds", `/builds/${id}`]) {
        assert.strictEqual((yield* fs.stat(`${deployDir}${folder}`)).mode & 0o777, 0o755)
      }
      for (const file of ["history.md", `builds/${id}/metadata.yaml`]) {
        assert.strictEqual((yield* fs.stat(`${deployDir}/${file}`)).mode & 0o777, 0o644)
      }
      assert.match(yield* textOf(`${deployDir}/history.md`), /^# Build History\n\n## .*⏳ PENDING/s)
    }).pipe(Effect.provide(system))
  )

  it.scopedLive("of an ended job has its logs, its status and one entry", () =>
    Effect.gen(function* () {
      const deployDir = yield* scratch
      const folder = `${deployDir}/builds/${id}`
      yield* submit(deployDir)
      const before = yield* textOf(`${folder}/metadata.yaml`)
      const { io } = yield* end(deployDir)
      assert.strictEqual(io.err(), "")
      // No phase was published, so nothing is written for it.
      assert.deepStrictEqual(yield* namesIn(folder), ["build.log", "metadata.yaml", "status.md", "test.log"])
      assert.strictEqual(yield* textOf(`${folder}/build.log`), "STEP 1/2: FROM scratch\n\nSTEP 2/2: COPY . /")
      assert.strictEqual(yield* textOf(`${folder}/test.log`), "ok")
      const metadata = yield* textOf(`${folder}/metadata.yaml`)
      assert.include(metadata, "status: SUCCEEDED\n")
      // The time of the submission stays that of the command line.
      assert.strictEqual(metadata.split("\n")[1], before.split("\n")[1])
      assert.match(yield* textOf(`${folder}/status.md`), /^# Build Status: .*\n\n✅ Status: SUCCEEDED\n/)
      const history = yield* textOf(`${deployDir}/history.md`)
      assert.strictEqual(history.split("\n## ").length, 2)
      assert.include(history, `## ${id} (2026-11-20 10:04:12 UTC)\n`)
    }).pipe(Effect.provide(system))
  )

  it.scopedLive("of a failed job tells why", () =>
    Effect.gen(function* () {
      const deployDir = yield* scratch
      yield* submit(deployDir)
      yield* end(deployDir, failed, Option.none())
      assert.deepStrictEqual(yield* namesIn(`${deployDir}/builds/${id}`), ["metadata.yaml", "status.md"])
      assert.include(yield* textOf(`${deployDir}/history.md`), "**Error**: make test ended with 2")
    }).pipe(Effect.provide(system))
  )

  it.scopedLive("has no secret in any of its files", () =>
    Effect.gen(function* () {
      const deployDir = yield* scratch
      const secrets = [
        "hook-s3cret-value",
        "header-s3cret-value",
        "npm_abcdefghijklmnopqrstuvwxyz0123456789",
        "nomad-t0ken-1"
      ]
      const [hook = "", header = "", npm = "", nomad = ""] = secrets
      const confidential: JobInput = {
        ...job,
        webhook_url: "https://hooks.example.com/x",
        webhook_secret: hook,
        webhook_headers: { Authorization: `Bearer ${header}` },
        test: { commands: [`echo ${npm}`], env: { REGISTRY: npm, NOMAD_TOKEN: nomad, MODE: "fast" } }
      }
      yield* submit(deployDir, id, confidential)
      const metadata = `${deployDir}/builds/${id}/metadata.yaml`
      assert.include(
        yield* textOf(metadata),
        `    test:
        commands:
            - echo [redacted]
        env:
            REGISTRY: '[redacted]'
            NOMAD_TOKEN: '[redacted]'
            MODE: fast
`
      )
      assert.include(yield* textOf(metadata), "    webhook_headers:\n        Authorization: '[redacted]'\n")
      const told = { ...failed, error: `delivery with ${hook} and ${header} was refused` }
      const logs = { ...log, logs: { build: [`+ echo ${hook}`], test: [header], publish: [npm] } }
      yield* end(deployDir, told, Option.some(logs), confidential)
      const folder = `${deployDir}/builds/${id}`
      const files = [`${deployDir}/history.md`, ...(yield* namesIn(folder)).map((name) => `${folder}/${name}`)]
      assert.strictEqual(files.length, 6)
      for (const file of files) {
        const text = yield* textOf(file)
        for (const secret of secrets) assert.notInclude(text, secret, file)
        assert.notInclude(text, "webhook_secret")
      }
      assert.strictEqual(yield* textOf(`${folder}/build.log`), "+ echo [redacted]")
    }).pipe(Effect.provide(system))
  )

  it.scopedLive("never leads out of its folder, whatever a server calls the job", () =>
    Effect.gen(function* () {
      const root = yield* scratch
      for (const name of ["../../evil", "..", ".", "", "a/b", "a\nb", ".hidden", "/etc", "x".repeat(129)]) {
        const error = yield* Effect.flip(submit(`${root}/deploy`, name))
        assert.strictEqual(error.exitCode, 1)
        assert.strictEqual(
          error.message,
          `job ${JSON.stringify(name)} was submitted, but its history can't be recorded: its id can't be the name of a folder`
        )
        yield* recorded(
          recordEnded({ deployDir: `${root}/deploy`, jobId: name, job, state: succeeded, logs: Option.some(log) })
        )
      }
      assert.deepStrictEqual(yield* namesIn(root), [])
      yield* submit(`${root}/deploy`, "abc123def456")
      assert.deepStrictEqual(yield* namesIn(`${root}/deploy/builds`), ["abc123def456"])
    }).pipe(Effect.provide(system))
  )
})

/** Mounted for the test, where that is allowed. */
const smallDisk = Effect.gen(function* () {
  const root = yield* scratch
  yield* Effect.acquireRelease(run("mount", "-t", "tmpfs", "-o", "size=16k,mode=755", "tmpfs", root), () =>
    Effect.ignore(run("umount", root))
  )
  return root
})

const run = (command: string, ...args: ReadonlyArray<string>) =>
  Effect.async<void, Error>((resume) => {
    spawn(command, args, { stdio: "ignore" })
      .once("error", (error) => resume(Effect.fail(error)))
      .once("exit", (code) => resume(code === 0 ? Effect.void : Effect.fail(new Error(`${command}: ${code}`))))
  })

const canMount = await Effect.runPromise(Effect.scoped(smallDisk).pipe(Effect.isSuccess, Effect.provide(system)))

describe("the local history where it can't be written", () => {
  it.scopedLive("fails the command, and tells that the job was submitted", () =>
    Effect.gen(function* () {
      const root = yield* scratch
      yield* put(`${root}/builds`, "")
      const noFolder = yield* Effect.flip(submit(root))
      assert.strictEqual(noFolder.exitCode, 1)
      assert.match(
        noFolder.message,
        new RegExp(`^job "${id}" was submitted, but its history can't be recorded: E\\w+: .*mkdir`)
      )
      const noMetadata = yield* Effect.flip(
        withFileSystem(submit(`${root}/deploy`), () => ({ rename: (path) => Effect.fail(diskFull("rename", path)) }))
      )
      assert.strictEqual(
        noMetadata.message,
        `job "${id}" was submitted, but its history can't be recorded: ENOSPC: no space left on device, write`
      )
      assert.deepStrictEqual(yield* namesIn(`${root}/deploy/builds/${id}`), [])
    }).pipe(Effect.provide(system))
  )

  it.scopedLive("only warns once the first metadata are there", () =>
    Effect.gen(function* () {
      const root = yield* scratch
      const full = withFileSystem(submit(root), (fs) => ({
        open: (path, options) =>
          path.includes("history.md") ? Effect.fail(diskFull("open", path)) : fs.open(path, options)
      }))
      const { io } = yield* full
      assert.strictEqual(
        io.err(),
        `Warning: ${root}/history.md is not written: ENOSPC: no space left on device, write\nHistory recorded to: ${root}/builds/${id}\n`
      )
      const { io: ended } = yield* withFileSystem(end(root), () => ({
        rename: (path) => Effect.fail(diskFull("rename", path))
      }))
      assert.deepStrictEqual(
        ended
          .err()
          .trimEnd()
          .split("\n")
          .map((line) => line.replace(/^Warning: .*\/(\S+) is not written: (\w+):.*$/, "$1 $2")),
        ["build.log ENOSPC", "test.log ENOSPC", "metadata.yaml ENOSPC", "status.md ENOSPC", "history.md ENOSPC"]
      )
      assert.deepStrictEqual(yield* namesIn(`${root}/builds/${id}`), ["metadata.yaml"])
      assert.include(yield* textOf(`${root}/builds/${id}/metadata.yaml`), "status: PENDING\n")
    }).pipe(Effect.provide(system))
  )

  it.scopedLive.skipIf(!canMount)("keeps what it has on a disk that is really full", () =>
    Effect.gen(function* () {
      const root = yield* smallDisk
      yield* submit(root)
      const history = yield* textOf(`${root}/history.md`)
      yield* Effect.ignore(put(`${root}/filler`, "x".repeat(64 * 1024)))
      const { io } = yield* end(root)
      assert.match(io.err(), /^Warning: .*build\.log is not written: ENOSPC/)
      assert.strictEqual(yield* textOf(`${root}/history.md`), history)
      assert.include(yield* textOf(`${root}/builds/${id}/metadata.yaml`), "status: PENDING\n")
      // Neither drafts nor locks are left.
      assert.deepStrictEqual(yield* namesIn(root), ["builds", "filler", "history.md"])
      assert.deepStrictEqual(yield* namesIn(`${root}/builds/${id}`), ["metadata.yaml"])
    }).pipe(Effect.provide(system))
  )

  it.scopedLive.skipIf(!canMount)("fails the command on a disk that is really read-only", () =>
    Effect.gen(function* () {
      const root = yield* smallDisk
      yield* run("mount", "-o", "remount,ro", root)
      const error = yield* Effect.flip(submit(`${root}/deploy`))
      assert.match(error.message, /was submitted, but its history can't be recorded: EROFS: read-only file system/)
      const { io } = yield* end(`${root}/deploy`)
      assert.strictEqual(io.err().split("EROFS").length > 1, true)
    }).pipe(Effect.provide(system))
  )
})

const recordingProcess = (deployDir: string, task: "records" | "crashes", ids: ReadonlyArray<string>) =>
  Effect.async<{ readonly code: number | null; readonly signal: string | null; readonly err: string }>((resume) => {
    const program = fileURLToPath(new URL("recordProcess.ts", import.meta.url))
    const child = spawn(process.execPath, ["--import", "tsx", program, deployDir, task, ...ids], {
      stdio: ["ignore", "ignore", "pipe"]
    })
    let err = ""
    child.stderr.on("data", (chunk: Buffer) => void (err += chunk.toString()))
    child.once("close", (code, signal) => resume(Effect.succeed({ code, signal, err })))
    return Effect.sync(() => void child.kill("SIGKILL"))
  })

describe("the local history of several processes", () => {
  it.scopedLive("has the entries of all of them", () =>
    Effect.gen(function* () {
      const deployDir = yield* scratch
      const ids = (name: string) => Array.from({ length: 8 }, (_, index) => `${name}-${index}`)
      const names = ["a", "b", "c"]
      const ends = yield* Effect.forEach(names, (name) => recordingProcess(deployDir, "records", ids(name)), {
        concurrency: "unbounded"
      })
      for (const { code, err } of ends) assert.strictEqual(code, 0, err)
      const history = yield* textOf(`${deployDir}/history.md`)
      const entries = Array.from(history.matchAll(/^## (\S+)/gm), ([, entry]) => entry)
      assert.sameMembers(entries, names.flatMap(ids))
      assert.strictEqual(history.split("✅ SUCCEEDED").length - 1, 24)
      assert.deepStrictEqual(yield* namesIn(deployDir), ["builds", "history.md"])
    }).pipe(Effect.provide(system))
  )

  it.scopedLive("stays whole when one dies before its file has its name, and goes on without anybody's help", () =>
    Effect.gen(function* () {
      const deployDir = yield* scratch
      yield* submit(deployDir, "first")
      const before = yield* textOf(`${deployDir}/history.md`)
      const { err, signal } = yield* recordingProcess(deployDir, "crashes", ["second"])
      assert.strictEqual(signal, "SIGKILL", err)
      assert.strictEqual(yield* textOf(`${deployDir}/history.md`), before)
      assert.include(yield* namesIn(deployDir), "history.md.lock")
      const { io } = yield* submit(deployDir, "third")
      assert.notInclude(io.err(), "Warning")
      const history = yield* textOf(`${deployDir}/history.md`)
      assert.deepStrictEqual(
        Array.from(history.matchAll(/^## (\S+)/gm), ([, entry]) => entry),
        ["third", "first"]
      )
      assert.notInclude(yield* namesIn(deployDir), "history.md.lock")
    }).pipe(Effect.provide(system))
  )
})
