import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import { StatusCache } from "../../src/controller/StatusCache.ts"
import type { StatusRead } from "../../src/store/Statuses.ts"

const read = (modifyIndex: number): StatusRead => ({ status: Option.none(), modifyIndex })

describe("what is known of statuses", () => {
  it("takes in what was read of all, where nothing newer is known", () => {
    const cache = new StatusCache()
    cache.set("known", read(7))
    const { remember } = cache.beginReading()
    remember("known", read(3))
    remember("unknown", read(3))
    assert.deepStrictEqual(cache.get("known"), read(7))
    assert.deepStrictEqual(cache.get("unknown"), read(3))
  })

  it("leaves out what was written, thrown away or looked at since the reading began", () => {
    const cache = new StatusCache()
    cache.set("before", read(1))
    cache.delete("before")
    const { isOutdated, remember } = cache.beginReading()
    cache.set("gone", read(4))
    cache.delete("gone")
    assert.deepStrictEqual(["before", "gone", "other"].map(isOutdated), [false, true, false])
    for (const name of ["before", "gone", "other"]) remember(name, read(3))
    assert.deepStrictEqual(
      ["before", "gone", "other"].map((name) => cache.get(name)?.modifyIndex),
      [3, undefined, 3]
    )
  })

  it("tells each reading of what came after its own beginning, until its end", () => {
    const cache = new StatusCache()
    const first = cache.beginReading()
    cache.delete("early")
    const second = cache.beginReading()
    first.end()
    cache.delete("late")
    assert.deepStrictEqual([first.isOutdated("early"), second.isOutdated("early")], [true, false])
    assert.deepStrictEqual([first.isOutdated("late"), second.isOutdated("late")], [false, true])
  })
})
