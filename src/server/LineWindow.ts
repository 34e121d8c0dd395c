/** What may be kept of many lines. Without `head` and `tail`: all of them, as far as the answer's size allows. */
export interface LineLimits {
  readonly head?: number | undefined
  readonly tail?: number | undefined
}

/** Lines were left out here. */
export interface Gap {
  readonly omitted: number
}

export interface Line {
  /** Which attempt it is of, as a position among the attempts that were asked for. */
  readonly section: number
  readonly text: string
}

/** Takes lines one by one and never holds many more than those that it gives at the end. */
export interface LineWindow {
  readonly add: (line: Line) => void
  /** Nothing that follows will be kept. */
  readonly isFull: () => boolean
  readonly end: () => ReadonlyArray<Line | Gap>
}

/** Characters of one phase's lines in one answer: twice what the archive keeps of one attempt's two streams. */
export const headAnswered = 4 * 1024 * 1024
export const tailAnswered = 12 * 1024 * 1024

export const makeLineWindow = (
  { head, tail }: LineLimits,
  bounds = { head: headAnswered, tail: tailAnswered }
): LineWindow => {
  const everything = head === undefined && tail === undefined
  const first = new Beginning(everything ? Number.POSITIVE_INFINITY : (head ?? 0), bounds.head)
  const last = new End(everything ? Number.POSITIVE_INFINITY : (tail ?? 0), bounds.tail)
  let omitted = 0
  let tooLarge = false
  return {
    add: (line) => {
      if (first.add(line)) return
      tooLarge ||= first.isTooLarge()
      const pushed = last.add(line)
      omitted += pushed.lines
      tooLarge ||= pushed.tooLarge
    },
    isFull: () => tail === undefined && first.isComplete(),
    end: () => {
      // A tail alone says by itself that there is more before it, and so does a head alone.
      const marked = omitted > 0 && (tooLarge || (head !== undefined && tail !== undefined))
      return [...first.lines, ...(marked ? [{ omitted }] : []), ...last.all()]
    }
  }
}

class Beginning {
  readonly lines: Array<Line> = []
  private readonly most: number
  private readonly bound: number
  private size = 0
  private closed = false

  constructor(most: number, bound: number) {
    this.most = most
    this.bound = bound
  }

  add(line: Line): boolean {
    if (this.isComplete() || this.closed) return false
    if (this.size + line.text.length > this.bound) {
      this.closed = true
      return false
    }
    this.size += line.text.length
    this.lines.push(line)
    return true
  }

  isComplete(): boolean {
    return this.lines.length >= this.most
  }

  /** It ended before it had as many lines as it may have. */
  isTooLarge(): boolean {
    return this.closed && this.most !== Number.POSITIVE_INFINITY
  }
}

class End {
  private readonly most: number
  private readonly bound: number
  private lines: Array<Line> = []
  private start = 0
  private size = 0

  constructor(most: number, bound: number) {
    this.most = most
    this.bound = bound
  }

  /** How many lines had to go, and whether for their size. */
  add(line: Line): { readonly lines: number; readonly tooLarge: boolean } {
    this.lines.push(line)
    this.size += line.text.length
    let pushed = 0
    let tooLarge = false
    while (this.count() > this.most || this.size > this.bound) {
      tooLarge ||= this.count() <= this.most
      this.size -= this.lines[this.start]?.text.length ?? 0
      this.start++
      pushed++
    }
    this.compact()
    return { lines: pushed, tooLarge }
  }

  all(): ReadonlyArray<Line> {
    return this.lines.slice(this.start)
  }

  private count(): number {
    return this.lines.length - this.start
  }

  /** Now and then only: a list that is shifted each time costs its length each time. */
  private compact(): void {
    if (this.start < 1024 || this.start < this.lines.length / 2) return
    this.lines = this.lines.slice(this.start)
    this.start = 0
  }
}
