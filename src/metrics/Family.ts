export type Labels<L extends string> = Readonly<Record<L, string>>

interface Described<L extends string> {
  readonly name: string
  readonly help: string
  readonly labels: ReadonlyArray<L>
  /**
   * Series that are there from the beginning, so that their first increment shows as one. Those of a family with an
   * owner leave it out: they begin when the owner is first seen.
   */
  readonly zeros: ReadonlyArray<Readonly<Record<string, string>>>
}

export interface Counter<L extends string> extends Described<L> {
  readonly kind: "counter"
}

export interface Gauge<L extends string> extends Described<L> {
  readonly kind: "gauge"
}

export interface Histogram<L extends string> extends Described<L> {
  readonly kind: "histogram"
  /** Upper bounds, in the unit of the name. */
  readonly buckets: ReadonlyArray<number>
}

export type Family<L extends string> = Counter<L> | Gauge<L> | Histogram<L>

type Zeros = Described<string>["zeros"]

export const counter = <const L extends string>(
  name: string,
  help: string,
  labels: ReadonlyArray<L>,
  zeros: Zeros = []
): Counter<L> => ({ kind: "counter", name, help, labels, zeros })

export const gauge = <const L extends string>(
  name: string,
  help: string,
  labels: ReadonlyArray<L>,
  zeros: Zeros = []
): Gauge<L> => ({ kind: "gauge", name, help, labels, zeros })

export const histogram = <const L extends string>(
  name: string,
  help: string,
  labels: ReadonlyArray<L>,
  buckets: ReadonlyArray<number>,
  zeros: Zeros = []
): Histogram<L> => ({ kind: "histogram", name, help, labels, buckets, zeros })
