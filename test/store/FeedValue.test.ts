import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, FastCheck, Option, Schema } from "effect"
import { decodeFeed, encodeFeed, feedLength, FeedValue, newsSince } from "../../src/store/FeedValue.ts"

/** The feed after so many changes of an epoch. */
const after = (changes: number, epoch = "1"): FeedValue => ({
  epoch,
  entries: Array.from({ length: changes }, (_, at) => ({ seq: at + 1, name: `job-${at + 1}` })).slice(-feedLength)
})

describe("the feed", () => {
  it.prop(
    "names exactly what changed since it was last seen, or says that it can't",
    [FastCheck.integer({ min: 0, max: 600 }), FastCheck.integer({ min: 0, max: 600 })],
    ([seen, more]) => {
      const news = newsSince(Option.some(after(seen)), after(seen + more))
      if (more > feedLength) assert.strictEqual(news.kind, "everything")
      else {
        assert.deepStrictEqual(
          news.kind === "entries" ? news.entries.map(({ seq }) => seq) : news.kind,
          Array.from({ length: more }, (_, at) => seen + at + 1)
        )
      }
    }
  )

  it("of another leader's term says nothing about what was seen before", () => {
    assert.strictEqual(newsSince(Option.some(after(3)), after(4, "2")).kind, "everything")
    assert.strictEqual(newsSince(Option.none(), after(4)).kind, "everything")
  })

  it.prop("lies in the store as its schema says", [Arbitrary.make(FeedValue)], ([value]) => {
    assert.strictEqual(encodeFeed(value), Schema.encodeSync(Schema.parseJson(FeedValue))(value))
  })

  it("is read as it was written, and anything else is none", () => {
    const bytes = (text: string) => new TextEncoder().encode(text)
    assert.deepStrictEqual(decodeFeed(bytes(encodeFeed(after(2)))), Option.some(after(2)))
    for (const text of ["", "null", "{}", '{"epoch":1,"entries":[]}', "{"])
      assert.deepStrictEqual(decodeFeed(bytes(text)), Option.none())
  })
})
