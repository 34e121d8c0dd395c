import { assert, describe, it } from "@effect/vitest"
import { Duration, Either, Option } from "effect"
import { waitOf } from "../../src/server/waitOf.ts"

const read = (query: { readonly wait?: string; readonly index?: string }) =>
  Either.match(waitOf(query), {
    onLeft: ({ details }) => details.split(" ")[0],
    onRight: Option.match({
      onNone: () => "no wait",
      onSome: ({ index, within }) => `${index} ${Duration.toMillis(within)}`
    })
  })

describe("waitOf", () => {
  it("reads Go's durations and plain seconds, and waits 5 minutes as Consul does where only an index is given", () => {
    assert.strictEqual(read({}), "no wait")
    assert.strictEqual(read({ wait: "60s", index: "7" }), "7 60000")
    assert.strictEqual(read({ wait: "1m30s", index: "7" }), "7 90000")
    assert.strictEqual(read({ wait: "2.5", index: "7" }), "7 2500")
    assert.strictEqual(read({ wait: "10" }), "0 10000")
    assert.strictEqual(read({ index: "7" }), "7 300000")
  })

  it("waits 10 minutes at most", () => {
    assert.strictEqual(read({ wait: "11m", index: "1" }), "1 600000")
    assert.strictEqual(read({ wait: "999999999", index: "1" }), "1 600000")
  })

  it("refuses anything else by the parameter's name", () => {
    for (const wait of ["soon", "-1s", "", "1e3", "5 s"]) assert.strictEqual(read({ wait }), "wait", wait)
    for (const index of ["-1", "x", "1.5", "", "9".repeat(16)]) assert.strictEqual(read({ index }), "index", index)
  })
})
