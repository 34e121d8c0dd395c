import { Effect, Metric, type Scope } from "effect"
import { family } from "./families.ts"
import { Metrics } from "./Metrics.ts"

/** Effect counts its fibers by itself, for the whole process; a reading takes over what has come since the one before. */
export const followFibers: Effect.Effect<void, never, Scope.Scope> = Effect.gen(function* () {
  const metrics = yield* Metrics
  const told = new Map<string, number>()
  const since = (name: string, count: number): number => {
    const fresh = Math.max(0, count - (told.get(name) ?? 0))
    told.set(name, count)
    return fresh
  }
  yield* metrics.beforeScrape(
    Effect.gen(function* () {
      const started = (yield* Metric.value(Metric.fiberStarted)).count
      const succeeded = (yield* Metric.value(Metric.fiberSuccesses)).count
      const failed = (yield* Metric.value(Metric.fiberFailures)).count
      const active = (yield* Metric.value(Metric.fiberActive)).count
      metrics.set(family.fibersActive, {}, active)
      metrics.add(family.fibersStarted, {}, since("started", started))
      metrics.add(family.fibersSucceeded, {}, since("succeeded", succeeded))
      metrics.add(family.fibersFailed, {}, since("failed", failed))
    })
  )
})
