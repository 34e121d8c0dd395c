/** How new an answer has to be. */
export interface ReadOptions {
  /** Confirmed by a majority at the cost of a round trip; without it a deposed leader may answer from the past for a moment. */
  readonly consistent?: boolean
}
