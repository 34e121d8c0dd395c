import { FileSystem } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit, Fiber, Option, Ref, Scope, TestClock } from "effect"
import { lockFile } from "../../../src/commands/files/lockFile.ts"
import { updateFile } from "../../../src/commands/files/updateFile.ts"
import { makeFolder, writeAtomically } from "../../../src/commands/files/writeAtomically.ts"
import { diskFull, namesIn, put, scratch, system, textOf, withFileSystem } from "../support/scratch.ts"

describe("writeAtomically", () => {
  it.scopedLive("replaces a file, and the file that a link leads to", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const root = yield* scratch
      yield* makeFolder(`${root}/a/b`)
      yield* put(`${root}/a/b/real`, "old")
      yield* fs.symlink(`${root}/a/b/real`, `${root}/link`)
      yield* writeAtomically(`${root}/link`, "new")
      assert.strictEqual(yield* textOf(`${root}/a/b/real`), "new")
      assert.strictEqual(yield* fs.readLink(`${root}/link`), `${root}/a/b/real`)
      yield* writeAtomically(`${root}/empty`, "")
      assert.strictEqual(yield* textOf(`${root}/empty`), "")
      assert.deepStrictEqual(yield* namesIn(root), ["a", "empty", "link"])
    }).pipe(Effect.provide(system))
  )

  it.scopedLive("leaves the old text and no draft when the disk fills up", () =>
    Effect.gen(function* () {
      const root = yield* scratch
      yield* put(`${root}/file`, "old")
      const exit = yield* Effect.exit(
        withFileSystem(writeAtomically(`${root}/file`, "new"), (fs) => ({
          open: (path, options) =>
            Effect.map(fs.open(path, options), (file) => ({
              ...file,
              fd: file.fd,
              sync: file.sync,
              stat: file.stat,
              writeAll: () => Effect.fail(diskFull("writeAll", path))
            }))
        }))
      )
      assert.isTrue(Exit.isFailure(exit))
      assert.strictEqual(yield* textOf(`${root}/file`), "old")
      assert.deepStrictEqual(yield* namesIn(root), ["file"])
    }).pipe(Effect.provide(system))
  )
})

describe("updateFile", () => {
  it.scopedLive("loses no change of many", () =>
    Effect.gen(function* () {
      const path = `${yield* scratch}/list`
      const add = (line: string) => updateFile(path, (text) => `${Option.getOrElse(text, () => "")}${line}\n`)
      const lines = Array.from({ length: 30 }, (_, index) => `line ${index}`)
      yield* Effect.forEach(lines, add, { concurrency: "unbounded", discard: true })
      assert.sameMembers((yield* textOf(path)).trimEnd().split("\n"), lines)
    }).pipe(Effect.provide(system))
  )
})

/** Time as the test has it, but the real disk: a moment lets its calls return. */
const pass = (time: string & Parameters<typeof TestClock.adjust>[0], steps: number) =>
  Effect.repeatN(Effect.zipRight(TestClock.adjust(time), moment), steps - 1)

const moment = Effect.async<void>((resume) => {
  setTimeout(() => resume(Effect.void), 2)
})

/** The disk of a busy machine may be slower than the holder's next beat is due by the test's clock. */
const signOfLife = Effect.fnUntraced(function* (path: string) {
  const fs = yield* FileSystem.FileSystem
  const now = yield* Clock.currentTimeMillis
  const age = Effect.map(fs.stat(path), ({ mtime }) =>
    Option.match(mtime, { onNone: () => now, onSome: (time) => now - time.getTime() })
  )
  yield* Effect.zipRight(moment, age).pipe(Effect.repeat({ until: (millis) => millis <= 2000, times: 2000 }))
})

describe("lockFile", () => {
  it.scoped("is let go with its scope, and nothing is left of it", () =>
    Effect.gen(function* () {
      const root = yield* scratch
      const held = yield* Effect.scoped(
        Effect.flatMap(lockFile(`${root}/lock`), (lock) => Effect.zip(lock.held, namesIn(root)))
      )
      assert.deepStrictEqual(held, [true, ["lock"]])
      assert.deepStrictEqual(yield* namesIn(root), [])
    }).pipe(Effect.provide(system))
  )

  it.scoped("is taken over when its holder gives no sign of life for five seconds", () =>
    Effect.gen(function* () {
      const root = yield* scratch
      const told = yield* Ref.make(0)
      yield* put(`${root}/lock`, "of a process that died")
      const waiting = yield* Effect.fork(
        lockFile(
          `${root}/lock`,
          Ref.update(told, (count) => count + 1)
        )
      )
      yield* pass("50 millis", 80)
      assert.strictEqual(yield* textOf(`${root}/lock`), "of a process that died")
      yield* pass("50 millis", 80)
      const lock = yield* Fiber.join(waiting)
      assert.isTrue(yield* lock.held)
      assert.strictEqual(yield* Ref.get(told), 1)
      assert.deepStrictEqual(yield* namesIn(root), ["lock"])
    }).pipe(Effect.provide(system))
  )

  it.scoped("isn't taken from a holder who lives, and whoever waits gives up in the end", () =>
    Effect.gen(function* () {
      const root = yield* scratch
      const path = `${root}/lock`
      const holder = yield* Scope.make()
      const lock = yield* Scope.extend(lockFile(path), holder)
      const waiting = yield* Effect.fork(Effect.flip(Effect.scoped(lockFile(path))))
      yield* Effect.repeatN(Effect.zipRight(TestClock.adjust("2 seconds"), signOfLife(path)), 94)
      const error = yield* Fiber.join(waiting)
      assert.strictEqual(
        error.message,
        `another jobforge has held ${path} for 3m; if none runs, remove ${path} and ${path}.takeover`
      )
      assert.isTrue(yield* lock.held)
      yield* Scope.close(holder, Exit.void)
      assert.deepStrictEqual(yield* namesIn(root), [])
    }).pipe(Effect.provide(system))
  )

  it.scoped("is known to be lost, and what another holds isn't let go", () =>
    Effect.gen(function* () {
      const root = yield* scratch
      const held = yield* Effect.scoped(
        Effect.gen(function* () {
          const lock = yield* lockFile(`${root}/lock`)
          yield* put(`${root}/lock`, "another's")
          return yield* lock.held
        })
      )
      assert.isFalse(held)
      assert.strictEqual(yield* textOf(`${root}/lock`), "another's")
    }).pipe(Effect.provide(system))
  )

  it.scoped("leaves nothing behind on a full disk, or when whoever waits is interrupted", () =>
    Effect.gen(function* () {
      const root = yield* scratch
      const full = withFileSystem(Effect.scoped(lockFile(`${root}/lock`)), (fs) => ({
        open: (path, options) =>
          Effect.map(fs.open(path, options), (file) => ({
            ...file,
            fd: file.fd,
            sync: file.sync,
            stat: file.stat,
            writeAll: () => Effect.fail(diskFull("writeAll", path))
          }))
      }))
      assert.isTrue(Exit.isFailure(yield* Effect.exit(full)))
      assert.deepStrictEqual(yield* namesIn(root), [])
      yield* put(`${root}/lock`, "another's")
      const waiting = yield* Effect.fork(Effect.scoped(lockFile(`${root}/lock`)))
      yield* pass("50 millis", 3)
      yield* Fiber.interrupt(waiting)
      assert.strictEqual(yield* textOf(`${root}/lock`), "another's")
    }).pipe(Effect.provide(system))
  )
})
