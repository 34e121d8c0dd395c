import { assert, describe, it } from "@effect/vitest"
import { FastCheck } from "effect"
import { lineText, longestLine, makeLineCutter } from "../../src/server/cutLines.ts"

const cut = (content: Uint8Array, ends: ReadonlyArray<number>) => {
  const cutter = makeLineCutter()
  const borders = [...ends.map((end) => end % (content.length + 1)).toSorted((a, b) => a - b), content.length]
  const lines = borders.flatMap((end, at) => [...cutter.add(content.subarray(borders[at - 1] ?? 0, end))])
  return { lines: lines.map((line) => Buffer.from(line)), rest: Buffer.from(cutter.rest()) }
}

/** Short lines, long ones, and ones that are too long, in characters of one to four bytes. */
const content = FastCheck.array(
  FastCheck.tuple(FastCheck.constantFrom("a", "ü", "€", "🚀"), FastCheck.constantFrom(0, 1, 7, 20_000, 40_000, 70_000))
).map((parts) =>
  Buffer.from(
    parts
      .map(([letter, count]) => `${letter.repeat(count)}\n`)
      .join("")
      .slice(0, -1)
  )
)

describe("makeLineCutter", () => {
  it("cuts the same lines whatever the pieces, and loses no byte", () => {
    FastCheck.assert(
      FastCheck.property(content, FastCheck.array(FastCheck.nat()), (bytes, ends) => {
        const whole = cut(bytes, [])
        const pieced = cut(bytes, ends)
        assert.deepStrictEqual(
          pieced.lines.map((line) => line.length),
          whole.lines.map((line) => line.length)
        )
        assert.isTrue(Buffer.concat([...pieced.lines, pieced.rest]).equals(bytes))
        for (const line of [...whole.lines, whole.rest]) {
          assert.isAtMost(line.length, longestLine)
          assert.notInclude(lineText(line), "\uFFFD")
          assert.include([-1, line.length - 1], line.indexOf(10))
        }
      }),
      { numRuns: 60 }
    )
  })

  it("goes on alike from the end of any line", () => {
    FastCheck.assert(
      FastCheck.property(content, FastCheck.nat(), (bytes, from) => {
        const { lines } = cut(bytes, [])
        const skipped = from % (lines.length + 1)
        const start = lines.slice(0, skipped).reduce((sum, line) => sum + line.length, 0)
        assert.deepStrictEqual(
          cut(bytes.subarray(start), []).lines.map((line) => line.length),
          lines.slice(skipped).map((line) => line.length)
        )
      }),
      { numRuns: 40 }
    )
  })
})

describe("lineText", () => {
  it("is the line without its end, in either convention", () => {
    const text = (line: string) => lineText(Buffer.from(line))
    assert.deepStrictEqual(["a\n", "a\r\n", "a", "a\r", "\n", "", "a\rb\n"].map(text), [
      "a",
      "a",
      "a",
      "a",
      "",
      "",
      "a\rb"
    ])
  })
})
