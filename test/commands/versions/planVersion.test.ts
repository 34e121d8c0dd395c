import { Command, FileSystem } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope } from "effect"
import { planVersion } from "../../../src/commands/versions/planVersion.ts"
import {
  diskFull,
  git,
  namesIn,
  put,
  recorded,
  repository,
  scratch,
  system,
  textOf,
  withFileSystem,
  withPrograms
} from "../support/scratch.ts"

const at014 = "version:\n    major: 0\n    minor: 1\n    patch: 4\n"
const at015 = "version:\n    major: 0\n    minor: 1\n    patch: 5\n"

/** A folder at 0.1.4 on the branch `feature-auth`. */
const folder = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const root = yield* scratch
  yield* repository(root, "feature-auth")
  yield* fs.makeDirectory(`${root}/deploy`)
  yield* put(`${root}/deploy/version.yaml`, at014)
  return { root, deployDir: `${root}/deploy`, file: `${root}/deploy/version.yaml` }
})

const plan = (root: string, enabled = true) =>
  withPrograms(recorded(planVersion({ deployDir: `${root}/deploy`, enabled })), Command.workingDirectory(root))

describe("planVersion", () => {
  it.scopedLive("plans the next patch with the branch's tag, and saves it on commit only", () =>
    Effect.gen(function* () {
      const { deployDir, file, root } = yield* folder
      const { io, result } = yield* plan(root)
      assert.deepStrictEqual(result.tags, ["feature-auth-v0.1.5"])
      assert.deepStrictEqual(result.lines, ["Version: 0.1.5", "Branch: feature-auth", "Image tag: feature-auth-v0.1.5"])
      assert.strictEqual(yield* textOf(file), at014)
      yield* result.commit
      assert.strictEqual(yield* textOf(file), at015)
      assert.deepStrictEqual(yield* namesIn(deployDir), ["version.yaml"])
      assert.strictEqual(io.err() + io.out(), "")
    }).pipe(Effect.provide(system))
  )

  it.scopedLive("leaves the version as it was when nothing was accepted", () =>
    Effect.gen(function* () {
      const { deployDir, file, root } = yield* folder
      yield* Effect.scoped(plan(root))
      assert.strictEqual(yield* textOf(file), at014)
      assert.deepStrictEqual(yield* namesIn(deployDir), ["version.yaml"])
      const { result } = yield* plan(root)
      assert.deepStrictEqual(result.tags, ["feature-auth-v0.1.5"])
    }).pipe(Effect.provide(system))
  )

  it.scopedLive("does nothing where it isn't wanted", () =>
    Effect.gen(function* () {
      const root = yield* scratch
      const { result } = yield* plan(root, false)
      yield* result.commit
      assert.deepStrictEqual([result.tags, result.lines], [[], []])
      assert.deepStrictEqual(yield* namesIn(root), [])
    }).pipe(Effect.provide(system))
  )

  it.scopedLive("names no branch where Git knows none, and says so", () =>
    Effect.gen(function* () {
      const root = yield* scratch
      const { io, result } = yield* plan(root)
      assert.deepStrictEqual(result.tags, ["v0.0.1"])
      assert.deepStrictEqual(result.lines, ["Version: 0.0.1", "Image tag: v0.0.1"])
      assert.match(
        io.err(),
        /^Warning: Git knows no branch here \(fatal: not a git repository.*\): the version's tag names none\n$/
      )
    }).pipe(Effect.provide(system))
  )

  it.scopedLive("names no branch on a detached HEAD, and says so", () =>
    Effect.gen(function* () {
      const { root } = yield* folder
      yield* git(root, "checkout", "-q", "--detach")
      const { io, result } = yield* plan(root)
      assert.deepStrictEqual(result.tags, ["v0.1.5"])
      assert.strictEqual(io.err(), "Warning: Git is on no branch (detached HEAD): the version's tag names none\n")
    }).pipe(Effect.provide(system))
  )

  it.scopedLive("begins anew with a corrupt file, and keeps what it held", () =>
    Effect.gen(function* () {
      const { deployDir, file, root } = yield* folder
      yield* put(file, "<<<<<<< HEAD\n")
      const { result } = yield* plan(root)
      assert.deepStrictEqual(result.tags, ["feature-auth-v0.0.1"])
      yield* result.commit
      assert.strictEqual(yield* textOf(file), "version:\n    major: 0\n    minor: 0\n    patch: 1\n")
      const [, aside = ""] = yield* namesIn(deployDir)
      assert.strictEqual(yield* textOf(`${deployDir}/${aside}`), "<<<<<<< HEAD\n")
    }).pipe(Effect.provide(system))
  )

  it.scopedLive("gives the next one to whoever waits, and never the same to two", () =>
    Effect.gen(function* () {
      const { file, root } = yield* folder
      const one = Effect.scoped(
        Effect.flatMap(plan(root), ({ result }) => Effect.as(Effect.delay(result.commit, "20 millis"), result.tags))
      )
      const tags = yield* Effect.all(
        Array.from({ length: 8 }, () => one),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(new Set(tags.flat()).size, 8)
      assert.strictEqual(yield* textOf(file), "version:\n    major: 0\n    minor: 1\n    patch: 12\n")
    }).pipe(Effect.provide(system))
  )

  it.scopedLive("tells whoever waits for long, and lets them in when the scope of the first ends", () =>
    Effect.gen(function* () {
      const { root } = yield* folder
      const first = yield* Scope.make()
      yield* Scope.extend(plan(root), first)
      const second = yield* Effect.fork(Effect.scoped(plan(root)))
      yield* Effect.sleep("7 seconds")
      assert.isNull(second.unsafePoll())
      yield* Scope.close(first, Exit.void)
      const { io, result } = yield* Fiber.join(second)
      assert.deepStrictEqual(result.tags, ["feature-auth-v0.1.5"])
      assert.strictEqual(io.err(), `Waiting for another submission that uses ${root}/deploy/version.yaml…\n`)
    }).pipe(Effect.provide(system))
  )

  it.scopedLive("never goes back, even where its lock was lost meanwhile", () =>
    Effect.gen(function* () {
      const { file, root } = yield* folder
      const { io, result } = yield* plan(root)
      const later = "version:\n    major: 0\n    minor: 2\n    patch: 0\n"
      yield* put(file, later)
      yield* result.commit
      assert.strictEqual(yield* textOf(file), later)
      assert.strictEqual(io.err(), "Warning: another submission used version 0.1.5 at the same time\n")
    }).pipe(Effect.provide(system))
  )

  it.scopedLive("submits without a tag where the folder can't be written to", () =>
    Effect.gen(function* () {
      const { root } = yield* folder
      const { io, result } = yield* withFileSystem(plan(root), (fs) => ({
        open: (path, options) => (options?.flag === "wx" ? Effect.fail(diskFull("open", path)) : fs.open(path, options))
      }))
      assert.deepStrictEqual(result.tags, [])
      assert.strictEqual(
        io.err(),
        "Warning: the image gets no version tag: ENOSPC: no space left on device, write; --no-version asks for none\n"
      )
    }).pipe(Effect.provide(system))
  )

  it.scopedLive("tells that a version couldn't be saved, and leaves the old file whole", () =>
    Effect.gen(function* () {
      const { deployDir, file, root } = yield* folder
      const { io, result } = yield* withFileSystem(plan(root), () => ({
        rename: (path) => Effect.fail(diskFull("rename", path))
      }))
      yield* result.commit
      assert.strictEqual(yield* textOf(file), at014)
      assert.deepStrictEqual(yield* namesIn(deployDir), ["version.yaml"])
      assert.strictEqual(
        io.err(),
        "Warning: version 0.1.5 is used, but the next submission will use it again: ENOSPC: no space left on device, write\n"
      )
    }).pipe(Effect.provide(system))
  )
})
