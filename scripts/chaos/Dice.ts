/** Pseudo-random numbers from a seed (mulberry32), so that a run's mix of jobs and faults can be asked for again. */
export class Dice {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** From 0, below 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }

  /** A whole number from `least`, below `most`. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least))
  }

  /** One of the choices, as often as its weight says. */
  pick<A>(choices: ReadonlyArray<readonly [A, number]>): A {
    const total = choices.reduce((sum, [, weight]) => sum + weight, 0)
    let rest = this.next() * total
    for (const [choice, weight] of choices) {
      rest -= weight
      if (rest < 0) return choice
    }
    throw new Error("nothing to choose from")
  }
}
