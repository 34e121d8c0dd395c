import type { Plan } from "./Plan.ts"

/**
 * The smallest plan near this one that still fails: operations and faults are left out, first many and then fewer at a
 * time, as long as something can go (delta debugging). A fault that moves to another boundary when one before it goes
 * may not fail any more: then both stay.
 */
export const shrink = (plan: Plan, fails: (plan: Plan) => boolean): Plan => {
  let smallest = plan
  for (;;) {
    const before = size(smallest)
    smallest = without(smallest, "faults", fails)
    smallest = without(smallest, "operations", fails)
    for (const simpler of simplifications(smallest)) if (fails(simpler)) smallest = simpler
    if (size(smallest) === before) return smallest
  }
}

const size = ({ faults, operations, replicas }: Plan): number => faults.length + operations.length + replicas

const without = (plan: Plan, part: "faults" | "operations", fails: (plan: Plan) => boolean): Plan => {
  let kept = plan
  for (let chunk = Math.ceil(plan[part].length / 2); chunk >= 1; chunk = chunk === 1 ? 0 : Math.ceil(chunk / 2)) {
    for (let at = 0; at < kept[part].length;) {
      const fewer: Plan = { ...kept, [part]: kept[part].toSpliced(at, chunk) }
      if (fails(fewer)) kept = fewer
      else at += chunk
    }
  }
  return kept
}

const simplifications = (plan: Plan): ReadonlyArray<Plan> => [
  ...(plan.replicas > 1 ? [{ ...plan, replicas: 1 }] : []),
  ...(plan.seed === undefined ? [] : [{ ...plan, seed: undefined }])
]
