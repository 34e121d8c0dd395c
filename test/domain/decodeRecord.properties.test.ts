import { isDeepStrictEqual } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Either, FastCheck as fc, Option } from "effect"
import { dump } from "js-yaml"
import { decodeInput, decodeRecord } from "../../src/domain/decodeRecord.ts"
import {
  finalImage,
  finalTags,
  parseImageReference,
  registryHost,
  temporaryImage
} from "../../src/domain/ImageReference.ts"
import { RecordFields } from "../../src/domain/RecordFields.ts"
import { jobId, validJob } from "./arbitraries.ts"
import { accepted, acceptedText, minimal } from "./records.ts"

/** Every fault has words, and an answer with all of them stays small. */
const isAnswer = (result: ReturnType<typeof decodeRecord>): void => {
  if (Either.isRight(result)) return
  assert.isAtMost(result.left.length, 101)
  for (const { message, path } of result.left) {
    assert.isAbove(message.length, 0)
    assert.isBelow(message.length + path.length, 2000)
  }
}

const shuffled = (value: unknown): fc.Arbitrary<unknown> => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return fc.constant(value)
  const entries = Object.entries(value)
  return fc
    .tuple(
      fc.shuffledSubarray(entries, { minLength: entries.length }),
      fc.tuple(...entries.map(([, child]) => shuffled(child)))
    )
    .map(([order, children]) =>
      Object.fromEntries(order.map(([key]) => [key, children[entries.findIndex(([name]) => name === key)]]))
    )
}

describe("decodeRecord", () => {
  it("answers every text", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 200 }),
      fc.string({
        unit: fc.constantFrom(...Array.from("{}[]:,-&*!|>'\"%@`#? \n\tab0"), "\0", "\ud800", "<<", "__proto__"),
        maxLength: 200
      }),
      fc.json(),
      fc.jsonValue().map((value) => dump(value))
    )
    fc.assert(
      fc.property(text, (value) => isAnswer(decodeRecord(value))),
      { numRuns: 1500 }
    )
  })

  it("answers every text that was a record before it was damaged", () => {
    const damaged = fc
      .tuple(validJob, fc.nat(), fc.nat({ max: 8 }), fc.string({ unit: "binary", maxLength: 4 }))
      .map(([job, at, length, inserted]) => {
        const text = JSON.stringify(job)
        const start = at % text.length
        return text.slice(0, start) + inserted + text.slice(start + length)
      })
    fc.assert(
      fc.property(damaged, (value) => isAnswer(decodeRecord(value))),
      { numRuns: 500 }
    )
  })
})

describe("decodeInput", () => {
  it("answers every value", () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withSet: true,
      withSparseArray: true,
      withTypedArray: true
    })
    fc.assert(
      fc.property(anything, (value) => isAnswer(decodeInput(value))),
      { numRuns: 1000 }
    )
  })

  it("answers every value in every field", () => {
    const names = [
      "job_config",
      "test_commands",
      "test_entry_point",
      "test_timeout",
      ...Object.keys(RecordFields.fields)
    ]
    const record = fc.dictionary(
      fc.constantFrom(...names),
      fc.oneof(
        fc.jsonValue(),
        fc.dictionary(
          fc.constantFrom("commands", "vault_secrets", "env", "constraints", "cpu", "build"),
          fc.jsonValue()
        )
      )
    )
    fc.assert(
      fc.property(record, (value) => isAnswer(decodeInput({ ...minimal, ...value }))),
      { numRuns: 1000 }
    )
  })

  it("accepts what is valid", () => {
    fc.assert(fc.property(validJob, (job) => Either.isRight(decodeInput(job))))
  })

  it("names only images that every registry takes", () => {
    fc.assert(
      fc.property(validJob, jobId, (value, id) => {
        const { job } = accepted(value)
        const images = [
          ...finalTags(id, job).map((tag) => finalImage(job, tag)),
          temporaryImage(registryHost(job.registry_url), "temp", id)
        ]
        for (const image of images) assert.isTrue(Option.isSome(parseImageReference(image)), image)
      })
    )
  })
})

describe("the hash", () => {
  it("does not depend on the order of keys, on JSON or YAML, or on the wrapper", () => {
    const respelled = validJob.chain((job) =>
      fc.tuple(fc.constant(job), shuffled(job), fc.constantFrom("job_config", "jobConfig"))
    )
    fc.assert(
      fc.property(respelled, ([job, other, wrapper]) => {
        const { hash } = accepted(job)
        assert.strictEqual(accepted({ [wrapper]: other, state: "cancelled" }).hash, hash)
        assert.strictEqual(acceptedText(JSON.stringify(other, null, 2)).hash, hash)
        assert.strictEqual(acceptedText(dump(other)).hash, hash)
      })
    )
  })

  it("differs for jobs that differ", () => {
    fc.assert(
      fc.property(validJob, validJob, (a, b) => {
        const [first, second] = [accepted(a), accepted(b)]
        assert.strictEqual(first.hash === second.hash, isDeepStrictEqual(first.job, second.job))
      })
    )
  })
})
