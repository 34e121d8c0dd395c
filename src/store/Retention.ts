/** How much of what has ended is kept. */
export interface Retention {
  /** Bytes of all archived logs together, as they lie in the store. */
  readonly logBytes: number
  /** Milliseconds. */
  readonly logAge: number
  /** Milliseconds. */
  readonly historyAge: number
  readonly historyMax: number
}
