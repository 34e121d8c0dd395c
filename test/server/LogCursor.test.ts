import { assert, describe, it } from "@effect/vitest"
import { FastCheck, Option } from "effect"
import { attemptKey, decodeCursor, encodeCursor, encodeEntry, runOf, startCursor } from "../../src/server/LogCursor.ts"
import { isJobAttempt } from "../../src/server/LogQuery.ts"
import { attemptOf, jobId } from "./logWorld.ts"

const bytes = FastCheck.nat(2 ** 40)
const position = FastCheck.record({
  allocation: FastCheck.stringMatching(/^[0-9a-f]{6}$/),
  back: FastCheck.nat(100_000),
  raw: bytes,
  shown: bytes,
  file: FastCheck.nat(1000),
  at: bytes,
  plain: FastCheck.boolean()
}).map(({ allocation, at, back, file, plain, raw, shown }) => ({
  allocation,
  shown: shown + back,
  anchor: plain ? { raw: shown, shown, file: 0, at: shown } : { raw, shown, file, at }
}))

const progress = FastCheck.oneof(
  FastCheck.constant({ done: true, notices: 0, streams: {} }),
  FastCheck.record({
    done: FastCheck.constant(false),
    notices: FastCheck.integer({ min: 1, max: 9 }),
    streams: FastCheck.record({ stdout: position, stderr: position }, { requiredKeys: [] })
  })
)

const key = FastCheck.stringMatching(/^(?:b[1-9]|p[1-9]|t(?:e|[0-9]{1,2})-[1-9])$/)

describe("a cursor", () => {
  it("says how far each stream of each attempt was sent", () => {
    FastCheck.assert(
      FastCheck.property(FastCheck.dictionary(key, progress), FastCheck.boolean(), (attempts, ended) => {
        const entries = Object.entries(attempts)
        const text = encodeCursor(
          runOf(jobId),
          entries.map(([name, one]) => encodeEntry(name, one)),
          ended
        )
        assert.match(text, /^[\w.~-]+$/)
        const read = Option.getOrThrow(decodeCursor(text))
        assert.deepStrictEqual(read, { run: runOf(jobId), ended, attempts: new Map(entries) })
      })
    )
  })

  it("is refused when it was never given out", () => {
    const strange = [
      "~",
      "UPPER",
      "7",
      "6f1c2f9e~x1",
      "6f1c2f9e~b1.o",
      "6f1c2f9e~b1.oabc-1-2",
      "6f1c2f9e~end~b1",
      "a b"
    ]
    for (const text of [...strange, "6f1c2f9e~b1".padEnd(20_000, "~b1")]) {
      assert.isTrue(Option.isNone(decodeCursor(text)), text)
    }
    FastCheck.assert(
      FastCheck.property(FastCheck.string({ unit: "binary", maxLength: 300 }), (text) => {
        decodeCursor(text)
      })
    )
  })

  it("names attempts and runs so that none is taken for another", () => {
    const attempts = [
      attemptOf("b"),
      attemptOf("b", { attempt: 2 }),
      attemptOf("p", { phase: "publish" }),
      attemptOf("t", { phase: "test", test: { kind: "command", index: 1 } }),
      attemptOf("t", { phase: "test", test: { kind: "command", index: 11 } }),
      attemptOf("t", { phase: "test", test: { kind: "command", index: 1 }, attempt: 11 }),
      attemptOf("t", { phase: "test", test: { kind: "entry-point" } })
    ].filter(isJobAttempt)
    assert.lengthOf(new Set(attempts.map(attemptKey)), 7)
    assert.notStrictEqual(runOf(jobId), runOf(jobId.replace("6f", "7f")))
    assert.deepStrictEqual(Option.getOrThrow(decodeCursor(startCursor(undefined))).attempts.size, 0)
  })
})
