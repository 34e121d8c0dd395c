/**
 * Where everything random comes from: mulberry32, so that a seed means the same history on every machine and with
 * every version of Node.
 */
export class Prng {
  private state: number

  constructor(seed: number) {
    this.state = seed >>> 0
  }

  /** From 0 up to, and not including, 1. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1))
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  pick<A>(first: A, ...others: ReadonlyArray<A>): A {
    return others[this.between(-1, others.length - 1)] ?? first
  }

  /** A generator of its own: what one part draws doesn't shift what another one gets. */
  fork(): Prng {
    return new Prng(this.between(0, 0x7fffffff))
  }
}
