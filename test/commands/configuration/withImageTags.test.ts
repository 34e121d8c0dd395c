import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { splitTags, withImageTags } from "../../../src/commands/configuration/withImageTags.ts"

const job = { owner: "team", repo_url: "https://h/x.git", image_name: "app", registry_url: "registry.example.com" }

describe("the tags of a submission", () => {
  it("are parted by commas, with blanks and empty ones left out", () => {
    assert.deepStrictEqual(splitTags(" a, b ,,c,"), ["a", "b", "c"])
    assert.deepStrictEqual(splitTags(""), [])
  })

  it.effect("are the configuration's, then the version's, then those of the command line, each once", () =>
    Effect.gen(function* () {
      const tagged = yield* withImageTags(
        { ...job, image_tags: ["latest", "stable"] },
        { automatic: ["main-v0.1.5"], additional: ["stable", "extra", "latest", "extra"] }
      )
      assert.deepStrictEqual(tagged, { ...job, image_tags: ["latest", "stable", "main-v0.1.5", "extra"] })
      assert.deepStrictEqual(yield* withImageTags(job, { automatic: [], additional: [] }), job)
    })
  )

  it.effect("are refused before anything is sent", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(withImageTags(job, { automatic: [], additional: ["ok", "-no"] }))
      assert.strictEqual(error.exitCode, 2)
      assert.match(error.message, /^the tags, with those of --image-tags: image_tags\[1\] must be a tag/)
    })
  )
})
