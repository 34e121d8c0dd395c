import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { LogRotator } from "../../../../src/embedded/nomad/client/LogRotator.ts"
import { scratchFolder } from "../agent.ts"

const rotator = (folder: string, maxBytes: number, maxFiles: number) =>
  new LogRotator({ folder, name: "main.stdout", maxBytes, maxFiles })

const bytes = (text: string) => new TextEncoder().encode(text)

describe("a log", () => {
  it.scoped("is cut at the ends of lines, and only so many files are kept", () =>
    Effect.gen(function* () {
      const folder = yield* scratchFolder
      const log = rotator(folder, 10, 2)
      for (const text of ["123\n", "4567\n", "89\n", "abcdefgh\n"]) log.write(bytes(text))
      log.close()
      assert.deepStrictEqual(readdirSync(folder).toSorted(), ["main.stdout.1", "main.stdout.2"])
      assert.strictEqual(readFileSync(join(folder, "main.stdout.1"), "utf8"), "89\n")
      assert.strictEqual(readFileSync(join(folder, "main.stdout.2"), "utf8"), "abcdefgh\n")
    })
  )

  it.scoped("cuts a line that fits in no file, and loses nothing of it", () =>
    Effect.gen(function* () {
      const folder = yield* scratchFolder
      const log = rotator(folder, 4, 10)
      log.write(bytes("0123456789"))
      log.close()
      const content = [0, 1, 2].map((number) => readFileSync(join(folder, `main.stdout.${number}`), "utf8"))
      assert.deepStrictEqual(content, ["0123", "4567", "89"])
    })
  )

  it.scoped("goes on in the newest file", () =>
    Effect.gen(function* () {
      const folder = yield* scratchFolder
      for (const text of ["a\n", "b\n"]) {
        const log = rotator(folder, 100, 2)
        log.write(bytes(text))
        log.close()
      }
      assert.strictEqual(readFileSync(join(folder, "main.stdout.0"), "utf8"), "a\nb\n")
    })
  )
})
