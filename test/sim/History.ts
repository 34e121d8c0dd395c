import type { Timeline } from "./Timeline.ts"

interface Version<S> {
  readonly since: number
  readonly state: S
}

/**
 * A state and what it was before. A reader that isn't promised the newest state gets one that was true at most
 * `memory` ago: a server that lost its leadership notices that within its lease.
 */
export class History<S> {
  private readonly timeline: Timeline
  private readonly kept: number
  private versions: Array<Version<S>>

  /** What nobody will ask for needn't be kept: `remembers`. */
  constructor(timeline: Timeline, initial: S, remembers: boolean) {
    this.timeline = timeline
    this.kept = remembers ? enough : 1
    this.versions = [{ since: timeline.now, state: initial }]
  }

  get current(): S {
    return this.at(0)
  }

  add(state: S): void {
    this.versions.push({ since: this.timeline.now, state })
    if (this.versions.length > 2 * this.kept) this.versions = this.versions.slice(-this.kept)
  }

  /** Replaces the newest: the change is none that a reader could tell. */
  amend(state: S): void {
    this.versions[this.versions.length - 1] = { since: this.versions.at(-1)?.since ?? 0, state }
  }

  seen(back: number): S {
    return this.at(Math.min(back, this.reach()))
  }

  /** Of the versions in reach those with an answer of their own, counted from the newest, which isn't among them. */
  older(answer: (state: S) => unknown): ReadonlyArray<number> {
    const distinct: Array<number> = []
    let last = JSON.stringify(answer(this.current))
    const reach = this.reach()
    for (let back = 1; back <= reach; back++) {
      const text = JSON.stringify(answer(this.at(back)))
      if (text !== last) distinct.push(back)
      last = text
    }
    return distinct
  }

  private at(back: number): S {
    const version = this.versions.at(-1 - back)
    if (version === undefined) throw new Error(`no version ${back} back`)
    return version.state
  }

  /** A version could be seen as long as the one after it isn't older than `memory`. */
  private reach(): number {
    let back = 0
    while (back + 1 < this.versions.length && (this.versions.at(-1 - back)?.since ?? 0) >= this.timeline.now - memory)
      back += 1
    return back
  }
}

/** Milliseconds. Generous: Consul's leader lease is half a second. */
const memory = 3000

/** Versions; more than can be made within `memory`. */
const enough = 256
