import type { Prng } from "./Prng.ts"

/** How long the stations of one task take, in milliseconds. */
export interface Pace {
  /** From its arrival at the client to its start, most of it the image's pull. */
  readonly pull: number
  readonly run: number
  /** From the signal to the end. */
  readonly kill: number
  readonly outOfMemory: boolean
}

/** Always the same without a generator, so that runs can be compared; else as uneven as machines are. */
export const paces = (random: Prng | undefined): ((phase: string) => Pace) => {
  if (random === undefined) return (phase) => ({ ...steady, run: phase === "build" ? 3000 : 1000 })
  return () => ({
    pull: random.chance(0.1) ? random.between(3000, 40_000) : random.between(20, 2000),
    run: random.chance(0.02)
      ? stuck
      : random.chance(0.2)
        ? random.between(10_000, 90_000)
        : random.between(100, 10_000),
    kill: random.chance(0.1) ? random.between(5000, 30_000) : random.between(20, 1000),
    outOfMemory: random.chance(0.01)
  })
}

const steady = { pull: 100, kill: 100, outOfMemory: false }

export const instantly = (): Pace => ({ pull: 2, run: 2, kill: 2, outOfMemory: false })

/** Longer than any limit. */
const stuck = 24 * 3_600_000
