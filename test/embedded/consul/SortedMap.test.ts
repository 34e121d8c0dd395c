import { assert, it } from "@effect/vitest"
import { FastCheck as fc } from "effect"
import {
  getKey,
  maxIndexUnder,
  removeKey,
  setKey,
  sizeOf,
  type SortedMap,
  valuesUnder
} from "../../../src/embedded/consul/SortedMap.ts"

interface Item {
  readonly key: string
  readonly modifyIndex: number
}

const key = fc.stringMatching(/^[ab/]{0,4}$/)
const changes = fc.array(fc.tuple(key, fc.boolean()), { maxLength: 60 })

const build = (all: ReadonlyArray<readonly [string, boolean]>) => {
  let map: SortedMap<Item>
  const plain = new Map<string, Item>()
  for (const [n, [k, present]] of all.entries()) {
    const item = { key: k, modifyIndex: n + 1 }
    map = present ? setKey(map, k, item) : removeKey(map, k)
    if (present) plain.set(k, item)
    else plain.delete(k)
  }
  return { map, plain }
}

it.prop("holds what a plain map holds, in key order, under every prefix", [changes, key], ([all, prefix]) => {
  const { map, plain } = build(all)
  const under = [...plain.values()].filter((item) => item.key.startsWith(prefix))
  assert.deepStrictEqual(
    valuesUnder(map, prefix),
    under.toSorted((a, b) => (a.key < b.key ? -1 : 1))
  )
  assert.strictEqual(maxIndexUnder(map, prefix), Math.max(0, ...under.map((item) => item.modifyIndex)))
  assert.strictEqual(sizeOf(map), plain.size)
  assert.strictEqual(getKey(map, prefix), plain.get(prefix))
})

it("stays shallow however the keys come", () => {
  let map: SortedMap<Item>
  for (let n = 0; n < 10_000; n += 1) {
    const name = String(n).padStart(6, "0")
    map = setKey(map, name, { key: name, modifyIndex: n })
  }
  assert.isAtMost(map?.height ?? 0, 18)
  for (let n = 0; n < 9990; n += 1) map = removeKey(map, String(n).padStart(6, "0"))
  assert.isAtMost(map?.height ?? 0, 5)
})
