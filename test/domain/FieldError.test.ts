import { assert, describe, it } from "@effect/vitest"
import { fieldError, formatPath } from "../../src/domain/FieldError.ts"

describe("formatPath", () => {
  it("writes keys with dots and positions in brackets", () => {
    assert.strictEqual(formatPath(["test", "vault_secrets", 0, "path"]), "test.vault_secrets[0].path")
    assert.strictEqual(formatPath([]), "")
  })

  it("quotes a key that would not read as one", () => {
    assert.strictEqual(formatPath(["test", "env", "A.B"]), 'test.env["A.B"]')
    assert.strictEqual(formatPath([""]), '[""]')
    assert.strictEqual(formatPath(["a\u0000"]), String.raw`["a\u0000"]`)
    assert.strictEqual(formatPath(["\ud800"]), String.raw`["\ud800"]`)
  })

  it("cuts a key that is longer than anybody reads", () => {
    assert.strictEqual(formatPath(["x".repeat(500_000)]), `["${"x".repeat(64)}…"]`)
  })
})

describe("fieldError", () => {
  it("names the field, so that the message can stand alone", () => {
    assert.deepStrictEqual(fieldError(["test", "env", "A"], "must be a string"), {
      path: "test.env.A",
      message: "test.env.A must be a string"
    })
    assert.strictEqual(fieldError(["test"], "must be an object").message, "test must be an object")
    assert.strictEqual(fieldError([], "must be an object").message, "the record must be an object")
  })

  it("names the Vault lists in the words that clients match on", () => {
    assert.strictEqual(fieldError(["test", "vault_policies"], "is required").message, "vault_policies is required")
    assert.strictEqual(
      fieldError(["test", "vault_secrets", 2, "path"], "is required").message,
      "vault_secrets[2]: path is required"
    )
    assert.strictEqual(fieldError(["test", "vault_secrets", 2], ": no").message, "vault_secrets[2]: no")
  })
})
