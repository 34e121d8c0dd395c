import { assert, describe, it } from "@effect/vitest"
import { FastCheck } from "effect"
import { archivedFrom, archivedLength, type LogPart } from "../../src/server/archivedLog.ts"
import { boundLog, headKept, makeLogWindow, tailKept } from "../../src/store/BoundedLog.ts"

const noise = (length: number) => Buffer.from(Array.from({ length }, (_, at) => (at * 7919) % 251))

const shape = (parts: ReadonlyArray<LogPart>) =>
  parts.map((part) =>
    part.kind === "bytes" ? [part.from, part.from + part.bytes.length] : [part.from, part.to, part.text]
  )

describe("archivedFrom", () => {
  it("gives the rest of a log that is there whole", () => {
    const content = noise(1000)
    const log = boundLog(content)
    for (const from of [0, 1, 999]) {
      const [part, ...more] = archivedFrom(log, from)
      assert.deepStrictEqual(more, [])
      assert.isTrue(part?.kind === "bytes" && content.subarray(from).equals(part.bytes))
    }
    assert.deepStrictEqual(archivedFrom(log, 1000), [])
    assert.strictEqual(archivedLength(log), 1000)
  })

  it("counts as in the whole log when the middle was cut out, and says how much of it is missed from there", () => {
    const cut = 300_000
    const content = noise(headKept + cut + tailKept)
    const log = boundLog(content)
    const tailStart = headKept + cut
    assert.strictEqual(archivedLength(log), content.length)
    FastCheck.assert(
      FastCheck.property(FastCheck.nat(content.length), (from) => {
        const parts = archivedFrom(log, from)
        for (const part of parts) {
          if (part.kind !== "bytes") continue
          assert.isTrue(content.subarray(part.from, part.from + part.bytes.length).equals(part.bytes))
        }
        const head = from < headKept ? [[from, headKept]] : []
        const cutFrom = Math.max(from, headKept)
        const mark = from < tailStart ? [[cutFrom, tailStart, `[${tailStart - cutFrom} bytes were cut out here]`]] : []
        const tail = from < content.length ? [[Math.max(from, tailStart), content.length]] : []
        assert.deepStrictEqual(shape(parts), [...head, ...mark, ...tail])
      }),
      { numRuns: 30, examples: [[0], [headKept], [tailStart], [content.length]] }
    )
  })

  it("gives the end again to somebody whose place is not known any more", () => {
    const log = boundLog(noise(headKept + 10 + tailKept))
    const beyond = headKept + 10 + tailKept + 5000
    const [mark, tail, ...more] = archivedFrom(log, beyond)
    assert.strictEqual(
      mark?.kind === "cut" && mark.text,
      "[some output was cut out here; what follows may have been there before]"
    )
    assert.strictEqual(tail?.kind === "bytes" && tail.bytes.length, tailKept)
    assert.deepStrictEqual(more, [])
  })

  it("says that more is missing than anybody counted", () => {
    const window = makeLogWindow()
    window.add(Buffer.alloc(headKept + tailKept, "a"))
    window.leap()
    window.add(Buffer.from("of a line\nthe end"))
    const texts = archivedFrom(window.end(), headKept - 1).map((part) =>
      part.kind === "cut" ? part.text : Buffer.from(part.bytes).toString()
    )
    assert.deepStrictEqual(texts, ["a", `[more than ${tailKept + 10} bytes were cut out here]`, "the end"])
  })
})
