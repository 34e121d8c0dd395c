import { readFile } from "node:fs/promises"
import { assert, describe, it } from "@effect/vitest"
import { withSettings } from "../../scripts/settingsTable.ts"

describe("README", () => {
  it("lists the settings as the code has them (npx tsx scripts/settingsTable.ts writes them)", async () => {
    const readme = await readFile("README.md", "utf8")
    assert.strictEqual(readme, withSettings(readme))
    assert.include(readme, "`BUILD_TIMEOUT`")
  })
})
