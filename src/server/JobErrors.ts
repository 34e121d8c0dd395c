import { type Array as Arr, Data } from "effect"
import type { FieldError } from "../domain/FieldError.ts"
import { faultsText } from "../domain/summarize.ts"

/** Also what a caller may not see: that it exists is nobody else's business. */
export class JobNotFound extends Data.TaggedError("JobNotFound")<{ readonly id: string }> {
  override get message(): string {
    return `job not found: ${this.id}`
  }
}

/** The configuration can't be built. All that is wrong with it, each with its path. */
export class InvalidJob extends Data.TaggedError("InvalidJob")<{
  readonly errors: Arr.NonEmptyReadonlyArray<FieldError>
}> {
  override get message(): string {
    return faultsText(this.errors)
  }
}

/** What was asked for can't be done with the job as it is. */
export class JobConflict extends Data.TaggedError("JobConflict")<{ readonly id: string; readonly detail: string }> {
  override get message(): string {
    return this.detail
  }
}

/** The caller is known, and may not do this. */
export class NotAllowed extends Data.TaggedError("NotAllowed")<{ readonly detail: string }> {
  override get message(): string {
    return this.detail
  }
}
