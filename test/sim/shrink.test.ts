import { assert, describe, it } from "@effect/vitest"
import type { PlacedFault } from "./Fault.ts"
import { historyOf } from "./randomHistory.ts"
import { shrink } from "./shrink.ts"

describe("shrink", () => {
  it("leaves what the failure needs and nothing else", () => {
    const faults = Array.from({ length: 9 }, (_, index): PlacedFault => ({ at: index, fault: { kind: "unobserved" } }))
    const plan = { ...historyOf(1), faults }
    const needed = [2, 7]
    const small = shrink(plan, ({ faults }) => needed.every((at) => faults.some((fault) => fault.at === at)))
    assert.deepStrictEqual(
      small.faults.map(({ at }) => at),
      needed
    )
    assert.lengthOf(small.operations, 0)
    assert.strictEqual(small.replicas, 1)
  })

  it("gives a plan back that can't do without any of its parts", () => {
    const plan = historyOf(3)
    assert.deepStrictEqual(
      shrink(plan, (other) => other === plan),
      plan
    )
  })
})
