import { assert, describe, it } from "@effect/vitest"
import { scenarios } from "./scenarios.ts"
import { sweeps, sweepScenario } from "./sweep.ts"

describe.each(sweeps.map((sweep) => ({ name: sweep.name, sweep })))(
  "a controller with the fault «$name»",
  ({ sweep }) => {
    it.each(scenarios.map((scenario) => ({ name: scenario.name, scenario })))(
      "at every boundary ends as without it: $name",
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
  }
)
