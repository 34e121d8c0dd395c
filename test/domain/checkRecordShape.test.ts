import { assert, describe, it } from "@effect/vitest"
import { Either } from "effect"
import { checkRecordShape } from "../../src/domain/checkRecordShape.ts"

const nested = (depth: number): unknown => (depth === 0 ? 1 : { a: nested(depth - 1) })

const shared = (levels: number): unknown =>
  levels === 0 ? "x" : Array.from({ length: 10 }, () => shared(0)).map(() => lower[levels - 1])
const lower: Array<unknown> = ["x"]
for (let level = 1; level < 10; level++) lower.push(shared(level))

const message = (value: unknown) =>
  Either.match(checkRecordShape(value), {
    onLeft: ({ message, path }) => `${path}: ${message}`,
    onRight: () => undefined
  })

describe("checkRecordShape", () => {
  it("counts the members of all objects", () => {
    assert.deepStrictEqual(checkRecordShape({ a: { b: 1, c: [{ d: null }] }, e: true }), Either.right({ members: 5 }))
    assert.deepStrictEqual(checkRecordShape([1, "x"]), Either.right({ members: 0 }))
    assert.deepStrictEqual(checkRecordShape(Object.create(null)), Either.right({ members: 0 }))
  })

  it("allows as much nesting as no record needs, and no more", () => {
    assert.isUndefined(message(nested(16)))
    assert.strictEqual(message(nested(17)), ": the record is nested deeper than 16 levels")
    assert.strictEqual(message(nested(5000)), ": the record is nested deeper than 16 levels")
  })

  it("ends on a cycle", () => {
    const cycle: Record<string, unknown> = {}
    cycle["a"] = cycle
    assert.strictEqual(message(cycle), ": the record is nested deeper than 16 levels")
  })

  it("counts shared values at each of their places", () => {
    assert.strictEqual(message(lower.at(-1)), ": the record has more than 20000 values")
  })

  it("bounds the text, of keys and strings together", () => {
    const text = "x".repeat(300_000)
    assert.isUndefined(message([text]))
    assert.strictEqual(message([text, text]), ": the record is larger than 512 KiB")
    assert.strictEqual(message({ [text]: text }), ": the record is larger than 512 KiB")
    assert.strictEqual(message({ ["x".repeat(600_000)]: 1 }), ": the record is larger than 512 KiB")
  })

  it.each([
    [undefined],
    [1n],
    [Symbol("x")],
    [() => 1],
    [new Map()],
    [new Date(0)],
    [{ [Symbol("x")]: 1 }],
    [Object.create({})]
  ])("refuses %s, which JSON doesn't have", (value) => {
    assert.strictEqual(message({ test: [value] }), "test[0]: the record holds a value that JSON doesn't have")
  })
})
