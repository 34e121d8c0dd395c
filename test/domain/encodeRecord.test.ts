import { assert, describe, it } from "@effect/vitest"
import { Either, FastCheck as fc } from "effect"
import { decodeInput } from "../../src/domain/decodeRecord.ts"
import { encodeRecord, withoutConfidential } from "../../src/domain/encodeRecord.ts"
import { validJob } from "./arbitraries.ts"
import { accepted, acceptedText, minimal } from "./records.ts"

const controls = fc.record(
  {
    state: fc.constantFrom("active", "cancelled"),
    on_conflict: fc.constantFrom("queue", "supersede", "reject"),
    labels: fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.constantFrom("", "x"), { maxKeys: 3 })
  },
  { requiredKeys: [] }
)

describe("a record that the service writes", () => {
  it("says what was given, to the last field", () => {
    fc.assert(
      fc.property(validJob, controls, (job, more) => {
        const record = Either.getOrUndefined(decodeInput({ ...job, ...more }))
        fc.pre(record !== undefined)
        assert.deepStrictEqual(acceptedText(encodeRecord(record ?? assert.fail())), record)
      })
    )
  })
})

describe("what a record says in confidence", () => {
  it("is nothing in most", () => {
    const { job } = accepted(minimal)
    assert.deepStrictEqual(withoutConfidential(job), { job, confidential: undefined })
  })

  it("is what signs its deliveries and what is sent with them, each for itself or both", () => {
    const secret = { webhook_secret: "s" }
    const headers = { webhook_headers: { "X-A": "b" } }
    const { job } = accepted(minimal)
    for (const confidential of [secret, headers, { ...secret, ...headers }]) {
      assert.deepStrictEqual(withoutConfidential(accepted({ ...minimal, ...confidential }).job), { job, confidential })
    }
  })
})
