import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { gunzipSync } from "node:zlib"
import { pack, unpack } from "../../src/store/packing.ts"

const bytesOf = (length: number, byte: (at: number) => number) => Uint8Array.from({ length }, (_, at) => byte(at))

/** What packs well, and what gets longer by it: its bytes say nothing about each other. */
const kinds = [(at: number) => 97 + (at % 26), (at: number) => Math.imul(at ^ (at >>> 3), 2654435761) >>> 24]

describe("a packed log", () => {
  for (const length of [0, 1, 300, 16 * 1024, 64 * 1024, 64 * 1024 + 1])
    it.effect(`is what any gunzip reads, ${length} bytes of it`, () =>
      Effect.gen(function* () {
        for (const kind of kinds) {
          const content = bytesOf(length, kind)
          const packed = yield* pack(content)
          assert.deepStrictEqual(new Uint8Array(gunzipSync(packed)), content)
          assert.deepStrictEqual(new Uint8Array(yield* unpack(packed, () => "damaged")), content)
        }
      })
    )

  it.effect("that is damaged says so", () =>
    Effect.gen(function* () {
      const packed = yield* pack(bytesOf(300, (at) => at % 26))
      assert.strictEqual(yield* Effect.flip(unpack(packed.subarray(0, 20), () => "damaged")), "damaged")
    })
  )
})
