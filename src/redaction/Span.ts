/** A part of a text, or of a log by its bytes; the end is not in it. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** In order, each for itself: what overlaps becomes one. Neighbours stay two, wherever the text is cut. */
export const united = (spans: ReadonlyArray<Span>): ReadonlyArray<Span> => {
  const all: Array<Span> = []
  for (const span of spans.toSorted((a, b) => a.start - b.start)) {
    const last = all.at(-1)
    if (last === undefined || last.end <= span.start) all.push(span)
    else if (last.end < span.end) all[all.length - 1] = { start: last.start, end: span.end }
  }
  return all
}
