import { Data } from "effect"

/** A request that can't be read as what its endpoint takes. Nothing was done. */
export class Refused extends Data.TaggedError("Refused")<{
  readonly code: 400 | 413
  /** What is wrong in the interface's fixed words. */
  readonly error: string
  /** Which field, and the mend. */
  readonly details: string
}> {
  override get message(): string {
    return `${this.error}: ${this.details}`
  }
}

export const badRequest = (details: string): Refused => new Refused({ code: 400, error: "Invalid request", details })
