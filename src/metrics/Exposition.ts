import { Context, Effect, Layer } from "effect"
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client"
import type { Family, Labels } from "./Family.ts"
import { family } from "./families.ts"
import { followFibers } from "./followFibers.ts"
import { Metrics, type Recorder } from "./Metrics.ts"
import { renderMetrics, type TextFormat } from "./renderMetrics.ts"

export interface ExpositionOptions {
  /** Owners that have series of their own; those that come later share one. */
  readonly owners: number
  /** Also of the process: memory, garbage collection, event loop, file descriptors. */
  readonly process: boolean
}

/** All that was measured, as text. */
export class Exposition extends Context.Tag("jobforge/metrics/Exposition")<
  Exposition,
  { readonly render: (format: TextFormat) => Effect.Effect<string> }
>() {
  static readonly layer = (options: ExpositionOptions): Layer.Layer<Exposition | Metrics> =>
    Layer.scopedContext(make(options))
}

const make = Effect.fnUntraced(function* ({ owners, process }: ExpositionOptions) {
  // Never the global one: two services in one process would count for each other.
  const registry = new Registry()
  if (process) collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: lookEvery })
  const looks = new Set<Effect.Effect<void>>()
  const recorder = recorderOf(registry, makeOwnerLabels(owners), looks)
  const render = (format: TextFormat) =>
    Effect.forEach(looks, (look) => look, { discard: true }).pipe(
      Effect.zipRight(Effect.promise(() => registry.getMetricsAsJSON())),
      Effect.map((found) => renderMetrics(found, format))
    )
  yield* Effect.provideService(followFibers, Metrics, recorder)
  return Context.make(Metrics, recorder).pipe(Context.add(Exposition, { render }))
})

/** Milliseconds between two looks at the event loop: with one every 10, the looks were most of what an idle service does. */
const lookEvery = 250

const recorderOf = (registry: Registry, owners: OwnerLabels, looks: Set<Effect.Effect<void>>): Recorder => {
  const counters = new Map<string, Counter>()
  const gauges = new Map<string, Gauge>()
  const histograms = new Map<string, Histogram>()
  const all: ReadonlyArray<Family<string>> = Object.values(family)

  const begin = (one: Family<string>, labels: Labels<string>) => {
    if (one.kind === "counter") counters.get(one.name)?.inc(labels, 0)
    else if (one.kind === "gauge") gauges.get(one.name)?.set(labels, 0)
    else histograms.get(one.name)?.zero(labels)
  }

  for (const one of all) {
    const { help, kind, labels, name } = one
    const common = { name, help, labelNames: [...labels], registers: [registry] }
    if (kind === "counter") counters.set(name, new Counter(common))
    else if (kind === "gauge") gauges.set(name, new Gauge(common))
    else histograms.set(name, new Histogram({ ...common, buckets: [...one.buckets] }))
    if (!labels.includes("owner")) for (const zero of one.zeros) begin(one, zero)
  }

  const ownerLabel = (owner: string): string => {
    const { fresh, label } = owners.of(owner)
    if (fresh) {
      for (const one of all.filter(({ labels }) => labels.includes("owner"))) {
        for (const zero of one.zeros) begin(one, { ...zero, owner: label })
      }
    }
    return label
  }

  const bounded = (labels: Readonly<Record<string, string>>) => {
    const { owner } = labels
    return owner === undefined ? labels : { ...labels, owner: ownerLabel(owner) }
  }

  return {
    enabled: true,
    add: ({ name }, labels, by = 1) => counters.get(name)?.inc(bounded(labels), by),
    // A family's name is in one map only, by its kind.
    set: ({ name }, labels, value) => gauges.get(name)?.set(labels, value),
    observe: ({ name }, labels, value) => histograms.get(name)?.observe(bounded(labels), value),
    clear: ({ name }) => gauges.get(name)?.reset(),
    ownerLabel,
    beforeScrape: (look) =>
      Effect.acquireRelease(
        Effect.sync(() => looks.add(look)),
        () => Effect.sync(() => looks.delete(look))
      )
  }
}

interface OwnerLabels {
  readonly of: (owner: string) => { readonly label: string; readonly fresh: boolean }
}

/** Two label values of ours, which nobody else may have. */
const reserved = new Set(["all", "other"])

const longestLabel = 64

/** First come, first served: which owners have series of their own must not change while a process runs. */
const makeOwnerLabels = (most: number): OwnerLabels => {
  const known = new Set<string>()
  const enter = (label: string) => {
    const fresh = !known.has(label)
    known.add(label)
    return { label, fresh }
  }
  return {
    of: (owner) => {
      if (known.has(owner)) return { label: owner, fresh: false }
      const alone = !reserved.has(owner) && owner.length <= longestLabel && owner !== ""
      const taken = known.size - (known.has("other") ? 1 : 0)
      return enter(alone && taken < most ? owner : "other")
    }
  }
}
