import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import { mountedPath, parseVaultReference } from "../../src/domain/vaultReference.ts"
import { messages } from "./records.ts"

describe("a reference to a secret of Vault's", () => {
  it("names a path and one of its fields", () => {
    assert.deepStrictEqual(
      parseVaultReference("vault:secret/data/hooks#signing.key-1"),
      Option.some({ path: "secret/data/hooks", field: "signing.key-1" })
    )
  })

  it("is not every secret", () => {
    assert.isTrue(Option.isNone(parseVaultReference("a secret with # and vault: in it")))
    assert.deepStrictEqual(messages({ webhook_secret: "a secret with # and vault: in it" }), [])
    assert.deepStrictEqual(messages({ webhook_secret: "vault:secret/hooks#key" }), [])
  })

  it.each([
    "vault:",
    "vault:secret/hooks",
    "vault:#key",
    "vault:a/../b#key",
    "vault:/a#key",
    "vault:a#",
    "vault:a#b#c",
    "vault:a#b c"
  ])("%j is neither a reference nor taken for a secret", (webhook_secret) => {
    assert.deepStrictEqual(messages({ webhook_secret }), [
      "webhook_secret must be vault:<path>#<field> where it names a secret of Vault's, as vault:secret/data/hooks#key"
    ])
  })
})

describe("a path that names no mount", () => {
  it("lies in the mount that it is meant for", () => {
    assert.strictEqual(mountedPath("nomad/jobs/git", "secret"), "secret/data/nomad/jobs/git")
    assert.strictEqual(mountedPath("nomad/jobs/git", "nomad"), "nomad/jobs/git")
    for (const path of ["secret/nomad/jobs/git", "secret/data/nomad/jobs/git", "kv/git", "nomad/job"]) {
      assert.strictEqual(mountedPath(path, "secret"), path)
    }
  })
})
