import { Data, type Duration } from "effect"

/** A try failed that another may make good. */
export class Failed extends Data.TaggedError("Failed")<{
  readonly detail: string
  /** What the receiver asks to be left alone for. */
  readonly retryAfter?: Duration.Duration
}> {}

/** No try will ever succeed. */
export class GivenUp extends Data.TaggedError("GivenUp")<{
  readonly detail: string
  /** The target is one that may not be connected to. */
  readonly refused?: boolean
}> {}

/** There was no try, by no fault of the receiver's: something that is needed for it is out of reach. */
export class Postponed extends Data.TaggedError("Postponed")<{ readonly detail: string }> {}

/** Why a delivery has not arrived. */
export type Unsent = Failed | GivenUp | Postponed
