import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { readSecretsFile } from "../../../../src/embedded/nomad/template/SecretsFile.ts"
import { scratchFolder } from "../agent.ts"

const fileOf = (content: string) =>
  Effect.gen(function* () {
    const path = join(yield* scratchFolder, "secrets")
    yield* Effect.promise(() => writeFile(path, content))
    return path
  })

describe("a secrets file", () => {
  it.scoped("finds a secret by either way of writing its path", () =>
    Effect.gen(function* () {
      const find = yield* Effect.flatMap(
        fileOf("secret/data/a/b: {x: 1}\nkv/c:\n  y: z\nnomad/jobs/git: {n: m}\n"),
        readSecretsFile
      )
      for (const path of ["secret/data/a/b", "secret/a/b", "/secret/a/b/"]) assert.deepStrictEqual(find(path), { x: 1 })
      assert.deepStrictEqual(find("kv/data/c"), { y: "z" })
      for (const path of ["nomad/jobs/git", "secret/data/nomad/jobs/git"])
        assert.deepStrictEqual(find(path), { n: "m" })
      assert.isUndefined(find("secret/a"))
    })
  )

  it.scoped("says what is wrong with it and never what is in it", () =>
    Effect.gen(function* () {
      const why = (content: string) =>
        Effect.map(Effect.flip(Effect.flatMap(fileOf(content), readSecretsFile)), (error) => error.why)
      assert.strictEqual(yield* why("a: [hidden"), "it is neither YAML nor JSON")
      assert.strictEqual(yield* why("- hidden"), "it must map paths to fields")
      assert.strictEqual(yield* why("a: hidden"), '"a" must map fields to values')
      const absent = yield* Effect.flip(readSecretsFile("/nonexistent/secrets"))
      assert.strictEqual(absent.message, "cannot use the secrets file /nonexistent/secrets: ENOENT")
    })
  )
})
