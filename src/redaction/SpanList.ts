import type { Span } from "./Span.ts"

/** Matches in the order of their ends; those that overlap become one as they come. */
export class SpanList {
  private spans: Array<Span> = []
  /** Bytes of the last span that aren't blank. */
  private counted = 0

  get all(): ReadonlyArray<Span> {
    return this.spans
  }

  add(start: number, end: number): void {
    const last = this.spans.at(-1)
    if (last === undefined || last.end <= start) this.spans.push({ start, end })
    else this.spans[this.spans.length - 1] = { start: Math.min(last.start, start), end }
  }

  /**
   * Adds a match of which is known how many bytes it has that count. It is followed back only as far as the last one, and
   * beyond that only where it begins before it: so each byte is passed once, however many matches overlap.
   */
  addCounted(end: number, length: number, counts: (at: number) => boolean): void {
    const last = this.spans.at(-1)
    const lastEnd = last?.end ?? Number.NEGATIVE_INFINITY
    let left = length
    let start = end
    const walk = (least: number) => {
      while (left > 0 && start > least) {
        start -= 1
        if (counts(start)) left -= 1
      }
    }
    walk(lastEnd)
    if (last === undefined || left === 0) {
      this.spans.push({ start, end })
      this.counted = length
      return
    }
    const added = length - left
    left -= this.counted
    start = last.start
    if (left > 0) {
      walk(Number.NEGATIVE_INFINITY)
      this.counted = length
    } else this.counted += added
    this.spans[this.spans.length - 1] = { start, end }
  }

  /** Those that end there or before, which are no longer held. */
  take(end: number): ReadonlyArray<Span> {
    const split = this.spans.findIndex((span) => span.end > end)
    const taken = split === -1 ? this.spans : this.spans.slice(0, split)
    this.spans = split === -1 ? [] : this.spans.slice(split)
    return taken
  }
}
