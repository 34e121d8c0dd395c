import { assert, describe, it } from "@effect/vitest"
import { Either } from "effect"
import { decodeInput } from "../../src/domain/decodeRecord.ts"
import { vaultFaults } from "../../src/domain/vaultFaults.ts"
import { minimal } from "./records.ts"

const roles = { payments: "payments-tests", ledger: "payments-tests", search: "search-tests" }

const faultsOf = (fields: object) =>
  vaultFaults(Either.getOrThrow(decodeInput({ ...minimal, ...fields })).job, {
    vaultPaths: ["secret"],
    vaultPolicyRoles: roles
  })

const withPolicies = (...vault_policies: ReadonlyArray<string>) => ({ test: { entry_point: true, vault_policies } })

describe("vaultFaults", () => {
  it("takes policies of one role, and those that have none", () => {
    assert.deepStrictEqual(faultsOf({}), [])
    assert.deepStrictEqual(faultsOf(withPolicies("payments", "ledger", "unmapped", "constructor")), [])
  })

  it("refuses policies of several roles, since a step logs in as one", () => {
    const [fault, ...others] = faultsOf(withPolicies("payments", "search"))
    assert.deepStrictEqual(others, [])
    assert.strictEqual(fault?.path, "test.vault_policies")
    assert.include(fault?.message ?? "", "payments-tests and search-tests")
  })

  it("names paths that lie elsewhere, too", () => {
    assert.lengthOf(faultsOf({ git_credentials_path: "other/git", ...withPolicies("payments", "search") }), 2)
  })
})
