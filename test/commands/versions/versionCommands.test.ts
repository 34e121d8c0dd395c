import { assert, describe, it } from "@effect/vitest"
import { Command, FileSystem } from "@effect/platform"
import { Effect } from "effect"
import { currentBranch } from "../../../src/commands/versions/currentBranch.ts"
import { versionInfo, versionMajor, versionMinor } from "../../../src/commands/versions/versionCommands.ts"
import { git, namesIn, put, recorded, repository, scratch, system, textOf, withPrograms } from "../support/scratch.ts"

const folder = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const root = yield* scratch
  yield* fs.makeDirectory(`${root}/deploy`)
  return { root, deployDir: `${root}/deploy`, file: `${root}/deploy/version.yaml` }
})

describe("version commands", () => {
  it.scopedLive("write the file exactly as it is documented, and tell what they wrote", () =>
    Effect.gen(function* () {
      const { deployDir, file } = yield* folder
      const major = yield* recorded(versionMajor({ deployDir, number: "2" }))
      assert.strictEqual(yield* textOf(file), "version:\n    major: 2\n    minor: 0\n    patch: 0\n")
      assert.strictEqual(major.io.out(), "Version updated to: 2.0.0\n")
      yield* put(file, "version:\n    major: 2\n    minor: 1\n    patch: 7\n")
      const minor = yield* recorded(versionMinor({ deployDir, number: "3" }))
      assert.strictEqual(yield* textOf(file), "version:\n    major: 2\n    minor: 3\n    patch: 0\n")
      assert.strictEqual(minor.io.out(), "Version updated to: 2.3.0\n")
      assert.strictEqual(minor.io.err(), "")
      assert.deepStrictEqual(yield* namesIn(deployDir), ["version.yaml"])
    }).pipe(Effect.provide(system))
  )

  it.scopedLive("make the folder and the file for everybody to read", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const deployDir = `${yield* scratch}/a/b`
      yield* recorded(versionMinor({ deployDir, number: "1" }))
      assert.strictEqual((yield* fs.stat(deployDir)).mode & 0o777, 0o755)
      assert.strictEqual((yield* fs.stat(`${deployDir}/version.yaml`)).mode & 0o777, 0o644)
    }).pipe(Effect.provide(system))
  )

  it.scopedLive("refuse what is no version number, and write nothing", () =>
    Effect.gen(function* () {
      const { deployDir } = yield* folder
      const refused = (command: typeof versionMajor, number: string) =>
        Effect.flip(recorded(command({ deployDir, number })))
      const negative = yield* refused(versionMajor, "-1")
      assert.strictEqual(negative.message, "major version must be non-negative")
      assert.strictEqual(negative.exitCode, 2)
      assert.strictEqual((yield* refused(versionMinor, "-3")).message, "minor version must be non-negative")
      assert.strictEqual(
        (yield* refused(versionMinor, "1.5")).message,
        "invalid minor version: 1.5 (must be a whole number of at most 15 digits)"
      )
      assert.strictEqual((yield* refused(versionMajor, "9".repeat(16))).exitCode, 2)
      assert.deepStrictEqual(yield* namesIn(deployDir), [])
    }).pipe(Effect.provide(system))
  )

  it.scopedLive("show the version and its tags, those of the branch inside Git only", () =>
    Effect.gen(function* () {
      const { deployDir, file, root } = yield* folder
      yield* repository(root, "feature/auth")
      const inRoot = Command.workingDirectory(root)
      yield* put(file, "version:\n    major: 0\n    minor: 2\n    patch: 0\n")
      const inside = yield* withPrograms(recorded(versionInfo({ deployDir })), inRoot)
      assert.strictEqual(
        inside.io.out(),
        "Version: 0.2.0\nTag: v0.2.0\nBranch: feature/auth\nBranch Tag: feature-auth-v0.2.0\n"
      )
      yield* git(root, "checkout", "-q", "--detach")
      const detached = yield* withPrograms(recorded(versionInfo({ deployDir })), inRoot)
      assert.strictEqual(detached.io.out(), "Version: 0.2.0\nTag: v0.2.0\n")
      assert.strictEqual(detached.io.err(), "")
    }).pipe(Effect.provide(system))
  )

  it.scopedLive("show 0.0.0 where there is no file, and where there is nothing to read in it", () =>
    Effect.gen(function* () {
      const { deployDir, file, root } = yield* folder
      const info = withPrograms(recorded(versionInfo({ deployDir })), Command.workingDirectory(root))
      const missing = yield* info
      assert.strictEqual(missing.io.out(), "Version: 0.0.0\nTag: v0.0.0\n")
      assert.strictEqual(missing.io.err(), "")
      for (const text of ["", "version: 3\n", "version:\n    major: -1\n    minor: 0\n    patch: 0\n", "{"]) {
        yield* put(file, text)
        const corrupt = yield* info
        assert.strictEqual(corrupt.io.out(), "Version: 0.0.0\nTag: v0.0.0\n")
        assert.strictEqual(corrupt.io.err(), `Warning: ${file} holds no version: 0.0.0 is taken instead\n`)
        assert.strictEqual(yield* textOf(file), text)
      }
    }).pipe(Effect.provide(system))
  )

  it.scopedLive("keep what a corrupt file held", () =>
    Effect.gen(function* () {
      const { deployDir, file } = yield* folder
      yield* put(file, "version: lost\n")
      const { io } = yield* recorded(versionMinor({ deployDir, number: "4" }))
      const [name, aside = "", ...others] = yield* namesIn(deployDir)
      assert.deepStrictEqual([name, others], ["version.yaml", []])
      assert.match(aside, /^version\.yaml\.corrupt-\d+$/)
      assert.strictEqual(yield* textOf(`${deployDir}/${aside}`), "version: lost\n")
      assert.strictEqual(yield* textOf(file), "version:\n    major: 0\n    minor: 4\n    patch: 0\n")
      assert.strictEqual(
        io.err(),
        `Warning: ${file} holds no version: 0.0.0 is taken instead\nWarning: what ${file} held is kept as ${deployDir}/${aside}\n`
      )
    }).pipe(Effect.provide(system))
  )

  it.scopedLive("say why the folder can't be written to", () =>
    Effect.gen(function* () {
      const { root } = yield* folder
      yield* put(`${root}/file`, "")
      const error = yield* Effect.flip(recorded(versionMajor({ deployDir: `${root}/file`, number: "1" })))
      assert.strictEqual(error.exitCode, 1)
      assert.match(error.message, /^the version can't be read or saved: EEXIST/)
    }).pipe(Effect.provide(system))
  )
})

describe("currentBranch", () => {
  it.scopedLive("tells Git's own words where there is no branch", () =>
    Effect.gen(function* () {
      const { root } = yield* folder
      const branch = withPrograms(currentBranch, Command.workingDirectory(root))
      const outside = yield* branch
      assert.strictEqual(outside._tag, "Unknown")
      assert.match(outside._tag === "Unknown" ? outside.why : "", /^fatal: not a git repository/)
      yield* git(root, "init", "-q", "-b", "main")
      assert.strictEqual((yield* branch)._tag, "Unknown")
    }).pipe(Effect.provide(system))
  )

  it.live("knows none where Git isn't installed", () =>
    Effect.gen(function* () {
      const branch = yield* withPrograms(currentBranch, Command.env({ PATH: "/nonexistent" }))
      assert.deepStrictEqual({ ...branch }, { _tag: "Unknown", why: "git is not installed" })
    }).pipe(Effect.provide(system))
  )
})
