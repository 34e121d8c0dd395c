import type { Slot } from "./slots.ts"

/** Another run, as a status names it. */
export interface Contender {
  readonly name: string
  readonly jobId: string
}

/** A run that waits, and for what. */
export interface Waiter extends Contender {
  readonly slots: ReadonlySet<Slot>
}

/** What the other runs of this installation leave to one run. */
export interface Competition {
  /** Who holds a slot that this run may want. */
  readonly holders: ReadonlyMap<Slot, Contender>
  /** Runs that began to wait earlier than this one, in their order; each run waits for slots, for capacity, or for both. */
  readonly ahead: ReadonlyArray<Waiter>
  /** Admitted runs that are not over yet, this one excluded. */
  readonly running: number
  readonly runningOfOwner: number
  /** Runs that wait for capacity since earlier: those of the same owner, and all of them. */
  readonly aheadForCapacity: { readonly ofOwner: number; readonly all: number }
  /** A run that may end this one to have its slots. */
  readonly superseder: Contender | undefined
}

/** Nobody else wants anything. */
export const alone: Competition = {
  holders: new Map(),
  ahead: [],
  running: 0,
  runningOfOwner: 0,
  aheadForCapacity: { ofOwner: 0, all: 0 },
  superseder: undefined
}
