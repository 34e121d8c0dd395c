import { setImmediate } from "node:timers/promises"
import { assert, describe, it } from "@effect/vitest"
import type { Scenario } from "./scenarios.ts"
import { type Sweep, sweepScenario } from "./sweep.ts"

/**
 * One sweep over lives of a record; `npm run sim -- --sweep` plays all sweeps over all lives. A file each, so that they can
 * run side by side.
 */
export const describeSweep = (sweep: Sweep, lives: ReadonlyArray<Scenario>): void => {
  describe(`a controller that meets the fault «${sweep.name}» at any boundary`, () => {
    it.each(lives.map((scenario) => ({ name: scenario.name, scenario })))(
      "ends as without it: $name",
      { timeout: 120_000 },
      async ({ scenario }) => {
        // A sweep is all computing: between two of them the runner hears how it goes.
        await setImmediate()
        const { boundaries, covered, failures } = sweepScenario(scenario, sweep)
        assert.deepStrictEqual(
          failures.map(({ what, violations }) => [what, ...violations].join("\n")),
          []
        )
        assert.isAbove(boundaries, 0)
        assert.strictEqual(covered, boundaries)
      }
    )
  })
}
