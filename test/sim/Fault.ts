/** What can go wrong at one boundary between a replica and the world. */
export type Fault =
  /** The replica dies before the request leaves it, or after the request had its effect but before the answer comes. */
  | { readonly kind: "crash-before" | "crash-after" }
  /** It is not answered, or answered too late, with or without the effect. */
  | { readonly kind: "error-before" | "error-after" }
  /** The client gives up, and the request has its effect so many milliseconds later all the same. */
  | { readonly kind: "late-effect"; readonly delay: number }
  /** A read shows the state of so many changes ago. */
  | { readonly kind: "stale"; readonly back: number }
  /** A notification doesn't come, comes twice, or comes so many milliseconds late, overtaken by others. */
  | { readonly kind: "unobserved" | "duplicated" }
  | { readonly kind: "reordered"; readonly delay: number }
  /** The replica stands still for so long, with the request still in its hands or already on its way. */
  | { readonly kind: "pause-before" | "pause-after"; readonly duration: number }
  /** Nomad forgets all that has ended, right before the request is served. */
  | { readonly kind: "collect-garbage" }

/** A fault and the boundary that it happens at, counted from 1 in the order in which the boundaries are crossed. */
export interface PlacedFault {
  readonly at: number
  readonly fault: Fault
}

/** What crosses a boundary: reads and writes are requests; a notification comes by itself. */
export type BoundaryKind = "read" | "write" | "notification"

/** One crossing, as the instrumentation saw it. */
export interface Boundary {
  readonly number: number
  /** Milliseconds since the epoch. */
  readonly time: number
  readonly process: string
  readonly kind: BoundaryKind
  readonly what: string
  /** How many changes back a read may look and see something else: the older answers that it could legally get. */
  readonly older: ReadonlyArray<number>
  /** Equal at two boundaries between which nothing in the world changed, and no request was on its way. */
  readonly world: string
  /** Whether a notification tells anything that its watch hasn't told this process before. */
  readonly news: boolean
}

/** Counts every crossing, and says what goes wrong at it. */
export class Boundaries {
  count = 0
  /** Kept only on request: a long history has many. */
  readonly seen: Array<Boundary> = []
  private readonly faults: ReadonlyMap<number, Fault>
  private readonly recording: boolean
  private open = true

  constructor(faults: ReadonlyArray<PlacedFault>, recording: boolean) {
    this.faults = new Map(faults.map(({ at, fault }) => [at, fault]))
    this.recording = recording
  }

  get isRecording(): boolean {
    return this.recording
  }

  cross(boundary: Omit<Boundary, "number">): Fault | undefined {
    if (!this.open) return undefined
    this.count += 1
    if (this.recording) this.seen.push({ ...boundary, number: this.count })
    return this.faults.get(this.count)
  }

  /** From now on nothing goes wrong any more, and nothing is counted. */
  close(): void {
    this.open = false
  }
}
