import type { Boundary, Fault } from "./Fault.ts"
import type { Plan } from "./Plan.ts"
import { type Scenario, scenarioPlan } from "./scenarios.ts"
import { type Run, simulate } from "./simulate.ts"

/** One thing that a sweep does at every boundary that it concerns. */
export interface Sweep {
  readonly name: string
  readonly replicas: number
  /** The faults to play at this boundary, each in a run of its own, by what tells them apart: equal ones are played once. */
  readonly faultsAt: (boundary: Boundary) => ReadonlyArray<{ readonly fault: Fault; readonly same: string }>
}

/** What a sweep over one scenario found. */
export interface Swept {
  readonly boundaries: number
  /** Boundaries that a run stands for, its own or an equal one. */
  readonly covered: number
  readonly runs: number
  readonly failures: ReadonlyArray<{
    readonly plan: Plan
    readonly what: string
    readonly violations: ReadonlyArray<string>
  }>
}

/**
 * Plays a scenario once without a fault, counts the boundaries that it crosses until it rests, and then plays it again
 * and again with one fault at each of them. It must hold whatever it held before, and end as it did.
 */
export const sweepScenario = (scenario: Scenario, sweep: Sweep): Swept => {
  const plan = scenarioPlan(scenario, sweep.replicas)
  const calm = simulate(plan, true)
  const failures = [...failureOf(scenario, plan, "no fault", calm)]
  const concerned = calm.boundaries.filter((boundary) => sweep.faultsAt(boundary).length > 0)
  const played = new Set<string>()
  let covered = 0
  for (const boundary of concerned) {
    for (const { fault, same } of sweep.faultsAt(boundary)) {
      if (played.has(same)) continue
      played.add(same)
      const faulty: Plan = { ...plan, faults: [{ at: boundary.number, fault }] }
      const what = `${JSON.stringify(fault)} at boundary ${boundary.number}, ${boundary.kind} ${boundary.what}`
      failures.push(...failureOf(scenario, faulty, what, simulate(faulty)))
    }
    covered += 1
  }
  return { boundaries: concerned.length, covered, runs: played.size, failures }
}

/**
 * A crash leaves what the world holds and nothing else: boundaries between which nothing changed are one, and the crash
 * after an effect is the crash before whatever comes next.
 */
export const crash: Sweep = {
  name: "crash",
  replicas: 1,
  faultsAt: ({ kind, world, number }) => [
    { fault: { kind: "crash-before" }, same: `before ${world}` },
    ...(kind === "write" ? [{ fault: { kind: "crash-after" } as const, same: `after ${number}` }] : [])
  ]
}

export const stale: Sweep = {
  name: "stale",
  replicas: 1,
  faultsAt: ({ kind, number, older }) =>
    kind === "write"
      ? []
      : older.map((back) => ({ fault: { kind: "stale", back } as const, same: `${number} ${back}` }))
}

/** A notification that told nothing new is not missed: one stands for all of its watch. */
export const unobserved: Sweep = {
  name: "unobserved",
  replicas: 1,
  faultsAt: ({ kind, number, news, what }) => {
    if (kind !== "notification") return []
    return [{ fault: { kind: "unobserved" }, same: news ? String(number) : what }]
  }
}

/** Long enough for another replica to be elected and to do all the rest. */
const asleep = 150_000

/** Standing still with a request in hand differs from standing still with its answer; what is sent at once stands still together. */
export const pausedLeader: Sweep = {
  name: "paused leader",
  replicas: 2,
  faultsAt: ({ kind, number, process, time, world, news, what }) => {
    if (process !== "replica-1") return []
    if (kind === "notification")
      return [{ fault: { kind: "pause-before", duration: asleep }, same: news ? `${world} ${time}` : what }]
    if (kind === "read") return [{ fault: { kind: "pause-after", duration: asleep }, same: `${world} ${time}` }]
    return [
      { fault: { kind: "pause-before", duration: asleep }, same: `before ${number}` },
      { fault: { kind: "pause-after", duration: asleep }, same: `after ${number}` }
    ]
  }
}

/** What has ended is forgotten before anybody looks. */
export const forgotten: Sweep = {
  name: "forgetful Nomad",
  replicas: 1,
  faultsAt: ({ kind, world }) => (kind === "notification" ? [] : [{ fault: { kind: "collect-garbage" }, same: world }])
}

/** No answer, with or without the effect. */
const unanswered: Sweep = {
  name: "unanswered",
  replicas: 1,
  faultsAt: ({ kind, number, world, time }) =>
    kind === "write"
      ? [
          { fault: { kind: "error-before" }, same: `before ${number}` },
          { fault: { kind: "error-after" }, same: `after ${number}` }
        ]
      : [{ fault: { kind: "error-before" }, same: `${world} ${time} ${number}` }]
}

export const sweeps: ReadonlyArray<Sweep> = [crash, stale, unobserved, pausedLeader, forgotten, unanswered]

const failureOf = (scenario: Scenario, plan: Plan, what: string, run: Run): Swept["failures"] => {
  const unexpected = run.outcomes.some((outcome) => !scenario.outcomes.includes(outcome))
  const violations = [
    ...run.violations,
    ...(unexpected || (run.outcomes.length === 0 && scenario.brief !== true)
      ? [`it ended as ${run.outcomes.join(", ")}`]
      : [])
  ]
  return violations.length === 0 ? [] : [{ plan, what, violations }]
}
