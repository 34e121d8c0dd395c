import { assert, describe, it } from "@effect/vitest"
import { Either } from "effect"
import { decodeInput } from "../../src/domain/decodeRecord.ts"
import { vaultFaults } from "../../src/domain/vaultFaults.ts"
import { policy, valid, World } from "../support/world.ts"
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

describe("a record that asks for what its operator doesn't give", () => {
  it("is refused with all that is wrong with it, and starts nothing", () => {
    const world = new World()
    world.policy = { ...policy, vaultPaths: ["secret/{owner}"], vaultPolicyRoles: roles }
    world.record = valid({ git_credentials_path: "secret/other/git", ...withPolicies("payments", "search") })
    world.pass()
    assert.strictEqual(world.status?.status, "FAILED")
    assert.strictEqual(world.status?.reason, "InvalidSpec")
    assert.include(world.status?.error ?? "", "git_credentials_path must lie below secret/me")
    assert.deepStrictEqual(world.log, [])
  })
})
