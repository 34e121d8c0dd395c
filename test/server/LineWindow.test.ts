import { assert, describe, it } from "@effect/vitest"
import { FastCheck } from "effect"
import { type Gap, type Line, makeLineWindow } from "../../src/server/LineWindow.ts"

const lines = (count: number): ReadonlyArray<Line> =>
  Array.from({ length: count }, (_, at) => ({ section: 0, text: `line ${at}` }))

const through = (all: ReadonlyArray<Line>, ...options: Parameters<typeof makeLineWindow>) => {
  const window = makeLineWindow(...options)
  for (const line of all) if (!window.isFull()) window.add(line)
  return window.end()
}

/** What head and tail mean, in a list that is there whole. */
const chosen = (all: ReadonlyArray<Line>, head?: number, tail?: number): ReadonlyArray<Line | Gap> => {
  if (head === undefined && tail === undefined) return all
  if (head === undefined) return all.slice(Math.max(0, all.length - (tail ?? 0)))
  if (tail === undefined) return all.slice(0, head)
  const omitted = all.length - head - tail
  return omitted <= 0 ? all : [...all.slice(0, head), { omitted }, ...all.slice(-tail)]
}

const limit = FastCheck.option(FastCheck.integer({ min: 1, max: 40 }), { nil: undefined })

describe("makeLineWindow", () => {
  it("keeps what head and tail say", () => {
    FastCheck.assert(
      FastCheck.property(FastCheck.nat(100), limit, limit, (count, head, tail) => {
        assert.deepStrictEqual(through(lines(count), { head, tail }), chosen(lines(count), head, tail))
      })
    )
  })

  it("keeps beginning and end of what is too large, and says how much is missing", () => {
    const kept = through(lines(5000), {}, { head: 60, tail: 100 })
    const gap = kept.findIndex((line) => "omitted" in line)
    const texts = kept.map((line) => ("omitted" in line ? `-${line.omitted}` : line.text))
    assert.deepStrictEqual(
      texts.slice(0, gap),
      lines(gap).map(({ text }) => text)
    )
    const after = texts.slice(gap + 1)
    assert.deepStrictEqual(
      after,
      lines(5000)
        .slice(-after.length)
        .map(({ text }) => text)
    )
    assert.strictEqual(texts[gap], `-${5000 - kept.length + 1}`)
    assert.isAtMost(texts.slice(0, gap).join("").length, 60)
    assert.isAtMost(after.join("").length, 100)
  })

  it("says so when a tail is too large to be kept", () => {
    const kept = through(lines(50), { tail: 40 }, { head: 10, tail: 70 })
    assert.deepStrictEqual(kept[0], { omitted: 40 })
    assert.deepStrictEqual(kept.slice(1), lines(50).slice(-10))
  })

  it("is full once a head is complete that no tail follows", () => {
    const window = makeLineWindow({ head: 2 })
    for (const line of lines(2)) {
      assert.isFalse(window.isFull())
      window.add(line)
    }
    assert.isTrue(window.isFull())
  })
})
