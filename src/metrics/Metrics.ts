import { Context, Effect, type Scope } from "effect"
import type { Counter, Gauge, Histogram, Labels } from "./Family.ts"

/** Where measurements go. The calls are plain functions, since much of what is measured takes less time than an effect. */
export interface Recorder {
  /** Whether anybody looks: what is only computed to be measured need not be computed. */
  readonly enabled: boolean
  readonly add: <L extends string>(counter: Counter<L>, labels: Labels<L>, by?: number) => void
  readonly set: <L extends string>(gauge: Gauge<L>, labels: Labels<L>, value: number) => void
  readonly observe: <L extends string>(histogram: Histogram<L>, labels: Labels<L>, value: number) => void
  /** Ends every series of a family. */
  readonly clear: <L extends string>(gauge: Gauge<L>) => void
  /** What an owner is called in a label: itself, or `other` once there are too many. */
  readonly ownerLabel: (owner: string) => string
  /** Runs before each reading, for what is only known by looking; until the scope closes. */
  readonly beforeScrape: (look: Effect.Effect<void>) => Effect.Effect<void, never, Scope.Scope>
}

const silent: Recorder = {
  enabled: false,
  add: () => {},
  set: () => {},
  observe: () => {},
  clear: () => {},
  ownerLabel: (owner) => owner,
  beforeScrape: () => Effect.void
}

/** Without a layer nothing is measured, and it costs nothing. */
export class Metrics extends Context.Reference<Metrics>()("jobforge/metrics/Metrics", {
  defaultValue: (): Recorder => silent
}) {}
