import { assert, describe, it } from "@effect/vitest"
import { FastCheck as fc } from "effect"
import { makeRedactor, type Redactor } from "../../src/redaction/Redactor.ts"
import { plainSpellings, wrappedSpellings } from "../../src/redaction/spellings.ts"

/** Few letters, so that secrets overlap each other and the text around them; none of those of the placeholder. */
const letter = fc.constantFrom("x", "y", "1", "é", "'", "\\", '"', "/", " ", "+", "$", "%")
const secret = fc
  .array(letter, { minLength: 6, maxLength: 14 })
  .map((letters) => letters.join("").trim())
  .filter((text) => text.length >= 6 && new Set(text).size > 1 && !/^\d+$/.test(text))
const noise = fc.array(fc.oneof(letter, fc.constantFrom("\n", "a", "://", "@", "=", "b:")), { maxLength: 40 })

interface Case {
  readonly secrets: ReadonlyArray<string>
  readonly text: string
  readonly cuts: ReadonlyArray<number>
}

const spelled = (value: string, which: number, wrap: number): string => {
  const plain = plainSpellings(value)
  const wrapped = wrappedSpellings(value)
  const at = which % (plain.length + wrapped.length)
  const text = plain[at] ?? wrapped[at - plain.length] ?? ""
  return at < plain.length || wrap === 0 ? text : text.replaceAll(new RegExp(`.{${wrap}}`, "g"), "$&\n")
}

const cases: fc.Arbitrary<Case> = fc.array(secret, { minLength: 1, maxLength: 4 }).chain((secrets) =>
  fc.record({
    secrets: fc.constant(secrets),
    text: fc
      .array(
        fc.oneof(
          noise.map((letters) => letters.join("")),
          fc.tuple(fc.constantFrom(...secrets), fc.nat(60), fc.nat(9)).map((how) => spelled(...how)),
          fc.tuple(fc.constantFrom(...secrets), fc.nat(60)).map(([value, end]) => value.slice(0, end))
        ),
        { maxLength: 12 }
      )
      .map((parts) => parts.join("")),
    cuts: fc.array(fc.nat(200), { maxLength: 8 })
  })
)

const bytesOf = (text: string) => new TextEncoder().encode(text)

const inPieces = (redactor: Redactor, bytes: Uint8Array, cuts: ReadonlyArray<number>): string => {
  const stream = redactor.stream()
  const borders = [0, ...cuts.filter((cut) => cut < bytes.length).toSorted((a, b) => a - b), bytes.length]
  const pieces = borders.slice(1).map((end, index) => stream.add(bytes.subarray(borders[index], end)))
  return Buffer.concat([...pieces, stream.end()]).toString()
}

const runs = { numRuns: 400 }

describe("redaction, whatever the text and the secrets are,", () => {
  it("leaves no spelling of a secret", () => {
    fc.assert(
      fc.property(cases, ({ secrets, text }) => {
        const redacted = makeRedactor(secrets).text(text)
        const squeezed = redacted.replaceAll(/\s/g, "")
        for (const value of secrets) {
          const left = [
            ...plainSpellings(value).filter((spelling) => redacted.includes(spelling)),
            ...wrappedSpellings(value).filter((spelling) => squeezed.includes(spelling))
          ]
          assert.deepStrictEqual(left, [], redacted)
        }
      }),
      runs
    )
  })

  it("changes nothing the second time", () => {
    fc.assert(
      fc.property(cases, ({ secrets, text }) => {
        const redactor = makeRedactor(secrets)
        const once = redactor.text(text)
        assert.strictEqual(redactor.text(once), once)
      }),
      runs
    )
  })

  it("gives the same whatever the pieces", () => {
    fc.assert(
      fc.property(cases, ({ cuts, secrets, text }) => {
        const redactor = makeRedactor(secrets)
        assert.strictEqual(inPieces(redactor, bytesOf(text), cuts), redactor.text(text))
      }),
      runs
    )
  })

  it("goes on with a new stream from where another one has got to", () => {
    fc.assert(
      fc.property(cases, fc.nat(200), ({ secrets, text }, cut) => {
        const redactor = makeRedactor(secrets)
        const bytes = bytesOf(text)
        const first = redactor.stream()
        const shown = first.add(bytes.subarray(0, cut))
        const from = Math.min(cut, bytes.length) - first.held()
        const rest = redactor.bytes(bytes.subarray(from))
        assert.strictEqual(Buffer.concat([shown, rest]).toString(), redactor.text(text))
      }),
      runs
    )
  })

  it("takes out nothing but what it was told and what looks like a credential", () => {
    fc.assert(
      fc.property(
        cases,
        fc.string({ minLength: 6, maxLength: 12, unit: fc.constantFrom("q", "Q", "7") }),
        (given, other) => {
          const without = makeRedactor([other])
          const text = given.text.replaceAll(/:\/\/|=/g, "_")
          fc.pre(!text.includes(other))
          assert.strictEqual(without.text(text), text)
        }
      ),
      runs
    )
  })

  it("gives the same whatever the pieces when lines have no end", () => {
    const redactor = makeRedactor(["xyxyxyxyxyé1"])
    const word = fc.constantFrom("a", "word ", "xyxyxyxyxyé1", "://u:pw@h ", "eyJ", "é", " ")
    const long = fc
      .array(fc.tuple(word, fc.integer({ min: 1, max: 8000 })), { minLength: 4, maxLength: 12 })
      .map((parts) => parts.map(([part, times]) => part.repeat(times)).join(""))
    fc.assert(
      fc.property(long, fc.array(fc.nat(200_000), { maxLength: 6 }), (text, cuts) => {
        assert.isTrue(inPieces(redactor, bytesOf(text), cuts) === redactor.text(text))
      }),
      { numRuns: 60 }
    )
  })
})
