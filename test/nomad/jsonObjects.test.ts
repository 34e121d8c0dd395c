import { assert, describe, it } from "@effect/vitest"
import { Chunk, Effect, FastCheck, Stream } from "effect"
import { jsonObjects } from "../../src/nomad/jsonObjects.ts"

const split = (chunks: ReadonlyArray<string | Uint8Array>) =>
  Stream.fromIterable(chunks).pipe(
    Stream.map((chunk) => (typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk)),
    jsonObjects,
    Stream.runCollect,
    Effect.map(Chunk.toReadonlyArray)
  )

const pieces = (bytes: Uint8Array, sizes: ReadonlyArray<number>): ReadonlyArray<Uint8Array> => {
  const cut: Array<Uint8Array> = []
  let at = 0
  for (const size of [...sizes, bytes.length]) {
    cut.push(bytes.slice(at, at + size))
    at += size
  }
  return cut
}

const json = FastCheck.dictionary(
  FastCheck.string({ unit: "grapheme" }),
  FastCheck.oneof(
    FastCheck.string({ unit: "binary" }),
    FastCheck.constantFrom("{", "}", '"', "\\", '\\"'),
    FastCheck.integer()
  )
)

describe("JSON objects in bytes", () => {
  it.effect("are found back to back and on lines", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* split(['{"a":1}{}{"b":{"c":[{}]}}']), ['{"a":1}', "{}", '{"b":{"c":[{}]}}'])
      assert.deepStrictEqual(yield* split(['{"a":1}\n{}\r\n\n{"b":2}\n']), ['{"a":1}', "{}", '{"b":2}'])
      assert.deepStrictEqual(yield* split([]), [])
    })
  )

  it.effect("are each delivered with their last byte, not with the next object", () =>
    Effect.gen(function* () {
      const delivered = yield* Stream.concat(
        Stream.fromIterable(['{"a"', ':1}{"b', '":2}{'].map((text) => new TextEncoder().encode(text))),
        Stream.never
      ).pipe(jsonObjects, Stream.take(2), Stream.runCollect)
      assert.deepStrictEqual(Chunk.toReadonlyArray(delivered), ['{"a":1}', '{"b":2}'])
    })
  )

  it.effect.prop(
    "are the same however the bytes are cut, within characters too",
    [FastCheck.array(json), FastCheck.array(FastCheck.integer({ min: 0, max: 9 })), FastCheck.constantFrom("", "\n")],
    ([objects, sizes, between]) =>
      Effect.gen(function* () {
        const texts = objects.map((object) => JSON.stringify(object))
        const bytes = new TextEncoder().encode(texts.join(between))
        assert.deepStrictEqual(yield* split(pieces(bytes, sizes)), texts)
      })
  )

  it.effect("leave what is no object, or half of one, as the last element", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* split(['{"a":1}', "rpc error: {gone}", "{}"]), ['{"a":1}', "rpc error: {gone}{}"])
      assert.deepStrictEqual(yield* split(['{"a":1}{"b":', '"x']), ['{"a":1}', '{"b":"x'])
    })
  )
})
