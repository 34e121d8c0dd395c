import { assert, describe, it } from "@effect/vitest"
import { suggestField } from "../../src/domain/suggestField.ts"

const fields = [
  "owner",
  "repo_url",
  "git_ref",
  "test",
  "test.commands",
  "test.timeout",
  "build_timeout",
  "resource_limits",
  "resource_limits.test"
]

describe("suggestField", () => {
  it.each([
    ["repoUrl", "", "repo_url"],
    ["REPO-URL", "", "repo_url"],
    ["onwer", "", "owner"],
    ["ownr", "", "owner"],
    ["owners", "", "owner"],
    ["commands", "", "test.commands"],
    ["comands", "test", "test.commands"],
    ["tests", "", "test"],
    ["test", "test", "test"],
    ["resource_limit", "", "resource_limits"],
    ["something_else", "", undefined],
    ["", "", undefined],
    ["o".repeat(41), "", undefined]
  ])("for %j in %j is %s", (key, parent, expected) => {
    assert.strictEqual(suggestField(key, parent, fields), expected)
  })
})
