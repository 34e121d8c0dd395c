import { assert, describe, it } from "@effect/vitest"
import { scenarios } from "./scenarios.ts"
import { type Sweep, sweepScenario } from "./sweep.ts"

/** One sweep over every life of a record. A file each, so that they run side by side. */
export const describeSweep = (sweep: Sweep): void => {
  describe(`a controller that meets the fault «${sweep.name}» at any boundary`, () => {
    it.each(scenarios.map((scenario) => ({ name: scenario.name, scenario })))(
      "ends as without it: $name",
      { timeout: 120_000 },
      ({ scenario }) => {
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
