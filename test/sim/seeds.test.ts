import { setImmediate } from "node:timers/promises"
import { assert, describe, it } from "@effect/vitest"
import { historyOf } from "./randomHistory.ts"
import { simulate } from "./simulate.ts"

const seeds = 200
const perTest = 20

describe("random histories", () => {
  it.each(Array.from({ length: seeds / perTest }, (_, part) => part * perTest + 1))(
    "keep every promise, and come to rest: seeds from %i on",
    { timeout: 120_000 },
    async (first) => {
      await setImmediate()
      for (let seed = first; seed < first + perTest; seed++) {
        assert.deepStrictEqual(simulate(historyOf(seed)).violations, [], `npm run sim -- --seed ${seed}`)
      }
    }
  )

  it("are the same run each time", () => {
    const [one, other] = [simulate(historyOf(7), true), simulate(historyOf(7), true)]
    assert.deepStrictEqual(other.trace, one.trace)
    assert.strictEqual(other.count, one.count)
  })
})
