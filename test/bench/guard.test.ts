import { assert, describe, it } from "@effect/vitest"
import { guard } from "../../scripts/bench/guard.ts"
import { leftBehind } from "../../scripts/bench/leaks.ts"
import { simulated } from "../../scripts/bench/simulated.ts"

/** Milliseconds: a slow machine is no fault of what is measured. */
const patience = 180_000

describe("what a job costs", () => {
  it(
    "is a bounded number of passes, writes and requests, whatever lies finished beside it",
    async () => {
      const cost = await guard({ jobs: 40, sizes: [200, 2000] })
      const told = JSON.stringify(cost)
      assert.isAtMost(cost.reconciles, 6, told)
      assert.isAtMost(cost.writes, 9, told)
      assert.isAtMost(cost.requests, 31, told)
      assert.isBelow(Math.abs(cost.growth.requests), 0.1, told)
      assert.isBelow(cost.growth.processor, 0.3, told)
      // A guard that measured nothing would let everything pass: a job takes at least these.
      assert.isAtLeast(cost.reconciles, 4, told)
      assert.isAtLeast(cost.writes, 4, told)
      assert.isAtLeast(cost.requests, 20, told)
    },
    patience
  )

  it(
    "is nothing once it was archived: no value of it lives on",
    async () => {
      assert.isBelow(await leftBehind(600), 2)
    },
    patience
  )

  it("is the same number of messages, changed keys and steps for many jobs as for few", () => {
    const [few, many] = [simulated(20, 200), simulated(80, 200)]
    const told = JSON.stringify({ few, many })
    assert.isAtMost(many.messages / 80, 68, told)
    assert.isAtMost(many.keyChanges / 80, 25, told)
    assert.isAtMost(many.steps / 80, 5200, told)
    assert.isAtMost(many.messages / 80 / (few.messages / 20), 1.15, told)
    assert.isAtMost(many.steps / 80 / (few.steps / 20), 1.15, told)
  })
})
