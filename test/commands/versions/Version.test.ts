import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import {
  branchTag,
  byAge,
  formatVersion,
  nextPatch,
  sanitiseBranch,
  Version,
  versionTag
} from "../../../src/commands/versions/Version.ts"
import { tagPattern } from "../../../src/domain/ImageReference.ts"

const version = { major: 0, minor: 1, patch: 4 }

describe("Version", () => {
  it("is written in its three ways", () => {
    assert.strictEqual(formatVersion(version), "0.1.4")
    assert.strictEqual(versionTag(version), "v0.1.4")
    assert.strictEqual(branchTag("feature-auth", nextPatch(version)), "feature-auth-v0.1.5")
  })

  it.each([
    ["feature/new-ui", "feature-new-ui"],
    ["bugfix/fix_parser", "bugfix-fix-parser"],
    ["hotfix/urgent!fix", "hotfix-urgent-fix"],
    ["test@branch#123", "test-branch-123"],
    ["--leading-trailing--", "leading-trailing"],
    ["release-1.0", "release-1.0"],
    ["a b", "a-b"]
  ])("makes of the branch %s the name %s", (branch, name) => {
    assert.strictEqual(sanitiseBranch(branch), name)
  })

  it.each([
    ["日本語", "v0.1.4"],
    ["", "v0.1.4"],
    [".hidden", "hidden-v0.1.4"],
    [`x${"-".repeat(300)}y`, "x-v0.1.4"],
    ["b".repeat(300), `${"b".repeat(121)}-v0.1.4`]
  ])("has a tag that a registry takes for the branch %s", (branch, tag) => {
    assert.strictEqual(branchTag(branch, version), tag)
  })

  it.prop("has a tag that a registry takes whatever the branch is", [Schema.String, Version], ([branch, any]) => {
    assert.match(branchTag(branch, any), tagPattern)
  })

  it("is ordered by its numbers, not by its text", () => {
    assert.strictEqual(byAge({ major: 0, minor: 9, patch: 9 }, { major: 0, minor: 10, patch: 0 }), -1)
    assert.strictEqual(byAge(version, version), 0)
    assert.strictEqual(byAge({ major: 1, minor: 0, patch: 0 }, version), 1)
  })
})
