import { assert, describe, it } from "@effect/vitest"
import { Either } from "effect"
import {
  checkRecordText,
  maximumRecordSize,
  parseRecordText,
  syntaxFault,
  syntaxFaultOf
} from "../../src/domain/parseRecordText.ts"

const prefix = "the record cannot be read as JSON or YAML: "
const message = (text: string) =>
  Either.match(parseRecordText(text), { onLeft: ({ message }) => message, onRight: () => undefined })

describe("parseRecordText", () => {
  it("reads JSON and YAML to the same values", () => {
    const value = { a: [1, "x", true, null, { b: "c:d" }], "e:f": '"g":' }
    assert.deepStrictEqual(parseRecordText(JSON.stringify(value)), Either.right(value))
    assert.deepStrictEqual(parseRecordText(JSON.stringify(value, null, "\t")), Either.right(value))
    assert.deepStrictEqual(parseRecordText(`a:\n- 1\n- x\n- true\n-\n- b: "c:d"\n"e:f": '"g":'\n`), Either.right(value))
    assert.deepStrictEqual(parseRecordText("\ufeffa: 1"), Either.right({ a: 1 }))
    assert.deepStrictEqual(parseRecordText(String.raw`{"a":"\\\":\u003a"}`), Either.right({ a: String.raw`\":` + ":" }))
  })

  it("reads anchors and merge keys", () => {
    assert.deepStrictEqual(
      parseRecordText("a: &x {b: 1}\nc:\n  <<: *x\n  d: 2\n"),
      Either.right({ a: { b: 1 }, c: { b: 1, d: 2 } })
    )
  })

  it("keeps __proto__ a key like any other", () => {
    for (const text of ['{"__proto__":{"x":1}}', "__proto__: {x: 1}"]) {
      const value = Either.getOrThrow(parseRecordText(text))
      assert.deepStrictEqual(Object.keys(Object(value)), ["__proto__"])
    }
  })

  it.each([
    ["", "expected a document, but the input is empty"],
    ["owner: [a", "line 1, column 10: unexpected end of the stream within a flow collection"],
    ["owner: a\n  repo: b", "line 2, column 7: bad indentation of a mapping entry"],
    ["owner: a\nowner: b", "line 2, column 1: duplicated mapping key"],
    ['{"owner": "a",\n "owner": "b"}', "line 2, column 3: duplicated mapping key"],
    ['{"test":{"a":1,"a":1}}', "line 1, column 17: duplicated mapping key"],
    ["a: 1\n---\nb: 2", "expected a single document in the stream, but found more"],
    ["a: \u0000", "line 1, column 4: null byte is not allowed in input"],
    ["a: !!js/function x", "line 1, column 4: unknown scalar tag"],
    ["not json: {", "line 1, column 12: unexpected end of the stream within a flow collection"]
  ])("says where %j is wrong", (text, reason) => {
    assert.strictEqual(message(text), prefix + reason)
  })

  it("answers for a parser that fails in its own way, and never quotes the record", () => {
    assert.deepStrictEqual(syntaxFaultOf(new RangeError("webhook_secret: x")), {
      reason: "the parser failed",
      place: undefined
    })
  })

  it.each([
    "\n\tx hunter2",
    "*hunter2",
    "!hunter2",
    "!hunter2 x",
    "!!int hunter2",
    "!<hunter2> [x]",
    "!hunter2 {x: 1}",
    "!hunter2! x",
    '!hunter2"> x',
    "!a:hunter2[ x",
    "&hunter2 [*hunter2, !x y]",
    "hunter2: x",
    "'hunter2",
    '"hunter2\\q"'
  ])("says where webhook_secret: %j is wrong without quoting it", (secret) => {
    const text = `webhook_secret: ${secret}`
    assert.notInclude(message(text) ?? "", "hunter2")
    assert.isAbove(syntaxFault(text)?.place?.line ?? 0, 0)
    assert.isAbove(syntaxFault(text)?.reason.length ?? 0, 10)
  })

  it("has no fault for what can be read", () => {
    assert.isUndefined(syntaxFault("a: 1"))
    assert.isUndefined(syntaxFault('{"a": 1}'))
  })

  it("says the same of JSON that was parsed before", () => {
    const known = (text: string) => checkRecordText(text, JSON.parse(text))
    for (const text of ['{"a": [1, {"b": "c:d"}]}', '{"a": 1, "a": 2}', '"x"', `"${"x".repeat(maximumRecordSize)}"`]) {
      assert.deepStrictEqual(known(text), parseRecordText(text), text.slice(0, 30))
    }
    assert.isTrue(Either.isLeft(known('{"a": 1, "a": 2}')))
  })

  it("refuses text that no KV value can hold, by its bytes", () => {
    const quoted = (length: number, character: string) => `"${character.repeat(length)}"`
    assert.strictEqual(message(quoted(maximumRecordSize, "x")), "the record is larger than 512 KiB")
    assert.strictEqual(message(quoted(maximumRecordSize / 2, "ü")), "the record is larger than 512 KiB")
    assert.isUndefined(message(quoted(maximumRecordSize - 2, "x")))
    assert.isUndefined(message(quoted(200_000, "ü")))
  })

  it.each([
    ["[".repeat(250_000), "nesting exceeded maxDepth"],
    ["[".repeat(250_000) + "]".repeat(250_000), "nested deeper than 16 levels"],
    ['{"a":'.repeat(100_000), "nesting exceeded maxDepth"],
    [`${"- ".repeat(100_000)}x`, "nesting exceeded maxDepth"],
    ["a: &a [*a]", "nested deeper than 16 levels"],
    [bomb(), "has more than 20000 values"],
    [`a: &a x\nb: [${"*a,".repeat(100)}]`, "alias"]
  ])("answers hostile nesting at once (%#)", (text, expected) => {
    assert.include(message(text), expected)
  })
})

function bomb(): string {
  const levels = Array.from({ length: 6 }, (_, level) => `l${level + 1}: &l${level + 1} [${`*l${level},`.repeat(10)}]`)
  return ["l0: &l0 [x, x, x, x, x, x, x, x, x, x]", ...levels].join("\n")
}
