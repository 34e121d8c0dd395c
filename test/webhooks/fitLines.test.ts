import { assert, describe, it } from "@effect/vitest"
import { FastCheck as fc } from "effect"
import { fitLines } from "../../src/webhooks/fitLines.ts"

const block = (...lines: ReadonlyArray<string>) => ({ header: [], lines, prefix: "" })

describe("lines that must fit", () => {
  it("are all there when they do", () => {
    assert.deepStrictEqual(fitLines([block("a", "b"), block("c")], 100), {
      blocks: [["a", "b"], ["c"]],
      truncated: false
    })
  })

  it("keep their ends when they don't, and a short block what it has", () => {
    const long = Array.from({ length: 1000 }, (_, at) => `line ${at}`)
    const { blocks, truncated } = fitLines(
      [block("short"), { header: ["=== it ==="], lines: long, prefix: "[x] " }],
      400
    )
    assert.isTrue(truncated)
    assert.deepStrictEqual(blocks[0], ["short"])
    assert.deepStrictEqual(blocks[1]?.slice(0, 2), ["=== it ===", "[x] [what came before this was left out]"])
    assert.strictEqual(blocks[1]?.at(-1), "line 999")
    assert.isAbove(blocks[1]?.length ?? 0, 10)
  })

  it("keep the end of a single line that is too long", () => {
    const { blocks } = fitLines([{ header: [], lines: [`[x] ${"y".repeat(10_000)}end`], prefix: "[x] " }], 1000)
    assert.strictEqual(blocks[0]?.length, 2)
    assert.match(blocks[0]?.at(-1) ?? "", /^\[x\] …y+end$/)
  })

  it("are left out where there is no room at all", () => {
    assert.deepStrictEqual(fitLines([block("a")], 0), { blocks: [[]], truncated: true })
  })

  it("never need more bytes of JSON than they may", () => {
    const line = fc.string({ unit: "binary", maxLength: 300 })
    const lines = fc.record({
      header: fc.array(fc.string({ maxLength: 20 }), { maxLength: 1 }),
      lines: fc.array(line, { maxLength: 30 }),
      prefix: fc.constantFrom("", "[main/stdout] ")
    })
    fc.assert(
      fc.property(fc.array(lines, { maxLength: 4 }), fc.nat(12_000), (blocks, bytes) => {
        const fitted = fitLines(blocks, bytes)
        const size = fitted.blocks.flat().reduce((sum, text) => sum + Buffer.byteLength(JSON.stringify(text)) + 1, 0)
        assert.isAtMost(size, bytes)
        if (!fitted.truncated) {
          assert.deepStrictEqual(
            fitted.blocks,
            blocks.map(({ header, lines }) => [...header, ...lines])
          )
        }
      })
    )
  })
})
