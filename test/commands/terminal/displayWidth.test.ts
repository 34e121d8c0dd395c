import { assert, describe, it } from "@effect/vitest"
import { clip, displayWidth, padded } from "../../../src/commands/terminal/displayWidth.ts"

describe("displayWidth", () => {
  it.each([
    ["", 0],
    ["npm test", 8],
    ["é", 1],
    ["e\u0301", 1],
    ["日本語", 6],
    ["ﾊﾝｶｸ", 4],
    ["ｶﾞ", 2],
    ["カ\u3099", 2],
    ["한국", 4],
    ["\u1112\u1161\u11ab", 2],
    ["Ａ", 2],
    ["✅", 2],
    ["👩‍💻", 2],
    ["👍🏽", 2],
    ["🇩🇪", 2],
    ["❤️", 2],
    ["…─", 2],
    ["नि", 1],
    ["\u200b", 0],
    ["\u001b[31mred\u001b[0m", 3],
    ["𠀋", 2],
    ["㉈", 1],
    ["㊀", 2],
    ["⿰", 2]
  ])("of %j is %d", (text, width) => {
    assert.strictEqual(displayWidth(text), width)
  })
})

describe("clip", () => {
  it("leaves what fits as it is", () => {
    assert.strictEqual(clip("日本語", 6), "日本語")
  })

  it("never takes more columns than there are, and never cuts a character in two", () => {
    const text = "a日e\u0301👩‍💻b🇩🇪c"
    for (let columns = 0; columns <= displayWidth(text); columns++) {
      const clipped = clip(text, columns)
      assert.isAtMost(displayWidth(clipped), columns)
      if (columns > 0 && columns < displayWidth(text)) {
        assert.isTrue(clipped.endsWith("…"))
        assert.isTrue(text.startsWith(clipped.slice(0, -1)))
      }
    }
    assert.deepStrictEqual(
      [clip(text, 2), clip(text, 3), clip(text, 4), clip(text, 5)],
      ["a…", "a…", "a日…", "a日e\u0301…"]
    )
  })

  it("counts no colour, and ends the one that it cuts", () => {
    assert.strictEqual(clip("\u001b[31mfailed\u001b[0m", 6), "\u001b[31mfailed\u001b[0m")
    assert.strictEqual(clip("\u001b[31mfailed\u001b[0m", 4), "\u001b[31mfai…\u001b[0m")
  })
})

describe("padded", () => {
  it("fills up to a width in columns", () => {
    assert.strictEqual(padded("日本", 6), "日本  ")
    assert.strictEqual(padded("long", 2), "long")
  })
})
