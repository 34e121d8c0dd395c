interface Event {
  readonly time: number
  readonly order: number
  run: (() => void) | undefined
}

/** Virtual time: a queue of what will happen, whose clock jumps from one event to the next. */
export class Timeline {
  /** Milliseconds since the epoch. Early enough that Nomad's nanoseconds fit a double without rounding. */
  now = 86_400_000
  private readonly heap: Array<Event> = []
  private order = 0

  /** Runs it after so many milliseconds; what is due at the same time runs in the order in which it was asked for. */
  after(milliseconds: number, run: () => void): () => void {
    return this.at(this.now + milliseconds, run)
  }

  /** Answers with how to call it off. */
  at(time: number, run: () => void): () => void {
    const event: Event = { time: Math.max(time, this.now), order: this.order, run }
    this.order += 1
    this.push(event)
    return () => {
      event.run = undefined
    }
  }

  /** Lets the next thing happen, unless nothing does until then. */
  step(until: number): boolean {
    for (;;) {
      const next = this.heap[0]
      if (next === undefined || next.time > until) return false
      this.pop()
      if (next.run === undefined) continue
      this.now = next.time
      next.run()
      return true
    }
  }

  private push(event: Event): void {
    let at = this.heap.length
    this.heap.push(event)
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = this.heap[parent]
      if (above === undefined || !before(event, above)) break
      this.heap[at] = above
      at = parent
    }
    this.heap[at] = event
  }

  private pop(): void {
    const last = this.heap.pop()
    if (last === undefined || this.heap.length === 0) return
    let at = 0
    for (;;) {
      const left = this.heap[2 * at + 1]
      const right = this.heap[2 * at + 2]
      if (left === undefined) break
      const child = right !== undefined && before(right, left) ? right : left
      if (!before(child, last)) break
      this.heap[at] = child
      at = child === left ? 2 * at + 1 : 2 * at + 2
    }
    this.heap[at] = last
  }
}

const before = (a: Event, b: Event): boolean => a.time < b.time || (a.time === b.time && a.order < b.order)
