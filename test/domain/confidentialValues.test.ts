import { assert, describe, it } from "@effect/vitest"
import { confidentialValues } from "../../src/domain/confidentialValues.ts"

describe("confidentialValues", () => {
  it("has the secret, and the values of headers with and without their scheme", () => {
    assert.deepStrictEqual(
      confidentialValues({
        webhook_secret: "hook-secret",
        webhook_headers: { Authorization: "Bearer abc.def", "X-Key": "k e y" }
      }),
      ["hook-secret", "Bearer abc.def", "abc.def", "k e y"]
    )
  })

  it("leaves out headers that any log has, and where Vault has the secret", () => {
    assert.deepStrictEqual(
      confidentialValues({
        webhook_secret: "vault:secret/data/hooks#key",
        webhook_headers: { "Content-Type": "application/json", "user-agent": "forge" }
      }),
      []
    )
    assert.deepStrictEqual(confidentialValues({}), [])
  })
})
