import { assert, describe, it } from "@effect/vitest"
import { Either } from "effect"
import { decodeInput } from "../../src/domain/decodeRecord.ts"
import { vaultPathFaults } from "../../src/domain/vaultPathFaults.ts"
import { minimal } from "./records.ts"

const faultsOf = (fields: object, allowed: ReadonlyArray<string>) =>
  vaultPathFaults(Either.getOrThrow(decodeInput({ ...minimal, owner: "team-a", ...fields })).job, allowed).map(
    ({ message }) => message
  )

const all = {
  git_credentials_path: "secret/team-b/git",
  registry_credentials_path: "secret/data/team-b/registry",
  test: {
    entry_point: true,
    vault_policies: ["p"],
    vault_secrets: [{ path: "secret/data/team-b/db", fields: { a: "A" } }]
  },
  webhook_url: "https://hooks.example.com/x",
  webhook_secret: "vault:secret/team-b/hook#key"
}

describe("vaultPathFaults", () => {
  it("finds nothing where an operator allows everything", () => {
    assert.deepStrictEqual(faultsOf(all, []), [])
  })

  it("names every field whose path lies elsewhere, and where it may lie", () => {
    assert.deepStrictEqual(faultsOf(all, ["secret/{owner}/", "secret/data/{owner}"]), [
      "git_credentials_path must lie below secret/team-a or secret/data/team-a",
      "registry_credentials_path must lie below secret/team-a or secret/data/team-a",
      "vault_secrets[0]: path must lie below secret/team-a or secret/data/team-a",
      "webhook_secret must lie below secret/team-a or secret/data/team-a"
    ])
    assert.deepStrictEqual(faultsOf(all, ["secret/{owner}", "secret/team-b", "secret/data/team-b"]), [])
  })

  it("goes by whole folders", () => {
    assert.lengthOf(faultsOf({ git_credentials_path: "secret/team-abc/git" }, ["secret/{owner}"]), 1)
    assert.lengthOf(faultsOf({ git_credentials_path: "secret/team-a" }, ["secret/{owner}"]), 0)
  })

  it("gives nobody everything for being called as a folder of Vault's API, or several folders", () => {
    const path = { git_credentials_path: "secret/data/team-b/git" }
    for (const owner of ["data", "metadata", "..", "data/team-b"]) {
      assert.deepStrictEqual(faultsOf({ ...path, owner }, ["secret/{owner}"]), [
        "git_credentials_path must lie below no path: this owner has none"
      ])
    }
  })
})
