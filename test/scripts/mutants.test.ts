import { spawnSync } from "node:child_process"
import { readdirSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"

/** Patches that no longer apply would bring no bug back, and a run of the mutants takes ten minutes to say so. */
describe("the known bugs that the mutants bring back", () => {
  it.each(readdirSync("test/mutants").filter((name) => name.endsWith(".patch")))("%s still has its place", (name) => {
    const { status, stderr } = spawnSync("git", ["apply", "--check", `test/mutants/${name}`], { encoding: "utf8" })
    assert.strictEqual(status, 0, stderr)
  })
})
