import { assert, describe, it } from "@effect/vitest"
import { measure } from "../../scripts/hostile/measure.ts"

const mebi = 1024 * 1024

describe("hostile records", () => {
  it("each have a status, and good ones beside them finish as fast as alone", { timeout: 300_000 }, async () => {
    const load = { hostile: 1000, bytes: 6.4 * mebi, good: 20, seed: 7, rounds: 2, flood: false }
    const { alone, beside, unanswered, memory, memoryAlone } = await measure(load, () => {})
    assert.deepStrictEqual(unanswered, [])
    // Processor time is what they cost on a machine that does other things as well, where the clock says little.
    assert.isAtMost(beside.cpu, 1.2 * alone.cpu + 300)
    assert.isAtMost(beside.elapsed, 1.2 * alone.elapsed + 2000)
    assert.isAtMost(memory, memoryAlone + 150 * mebi)
  })
})
