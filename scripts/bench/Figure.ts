/** One measured number with the load that it was measured under. */
export interface Figure {
  /** The letter of the load that it belongs to. */
  readonly load: string
  readonly name: string
  readonly value: number
  readonly unit: string
  /** What it was measured under, so that the number says something by itself. */
  readonly under: string
  readonly goal?: { readonly value: number; readonly direction: "at least" | "at most" }
}

/** Makes the figures of one load that were all measured under the same. */
export const figureUnder =
  (load: string, under: string) =>
  (name: string, value: number, unit: string, goal: Pick<Figure, "goal"> = {}): Figure => ({
    load,
    name,
    value,
    unit,
    under,
    ...goal
  })

export const isMet = ({ goal, value }: Figure): boolean | undefined => {
  if (goal === undefined) return undefined
  return goal.direction === "at least" ? value >= goal.value : value <= goal.value
}

export const atMost = (value: number): { readonly goal: NonNullable<Figure["goal"]> } => ({
  goal: { value, direction: "at most" }
})

export const atLeast = (value: number): { readonly goal: NonNullable<Figure["goal"]> } => ({
  goal: { value, direction: "at least" }
})

/** NaN of nothing: a figure without samples must not look like a good one. */
export const percentile = (samples: ReadonlyArray<number>, part: number): number => {
  const sorted = samples.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN
}

/** How a cost grows with the size, as the exponent of a power of it: 0 doesn't grow, 1 grows as the size does. */
export const exponent = (points: ReadonlyArray<{ readonly size: number; readonly cost: number }>): number => {
  const logs = points.map(({ cost, size }) => ({ x: Math.log(size), y: Math.log(cost) }))
  const mean = (of: (point: { readonly x: number; readonly y: number }) => number) =>
    logs.reduce((sum, point) => sum + of(point), 0) / logs.length
  const [x, y] = [mean((point) => point.x), mean((point) => point.y)]
  return mean((point) => (point.x - x) * (point.y - y)) / mean((point) => (point.x - x) ** 2)
}

export const tableOf = (figures: ReadonlyArray<Figure>): string => {
  const rows = figures.map((figure) => [
    figure.load,
    figure.name,
    `${shown(figure.value)} ${figure.unit}`,
    figure.goal === undefined ? "" : `${figure.goal.direction} ${shown(figure.goal.value)}`,
    { true: "met", false: "MISSED", undefined: "" }[`${isMet(figure)}`],
    figure.under
  ])
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0), 0))
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")).join("\n")
}

const shown = (value: number): string => {
  if (Number.isInteger(value)) return String(value)
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3)
}
