import { Data } from "effect"

interface Answered {
  /** The HTTP status. */
  readonly code: number
  /** What did not work, in the service's fixed words. */
  readonly error: string
  readonly details?: string | undefined
}

const textOf = ({ details, error }: Answered): string =>
  details === undefined || details === "" ? error : `${error}: ${details}`

/** There is no such job, or none that this caller may see. */
export class JobMissing extends Data.TaggedError("JobMissing")<Answered> {
  override get message(): string {
    return textOf(this)
  }
}

/** The request or the configuration is wrong; `errors` has each fault with its path. */
export class JobInvalid extends Data.TaggedError("JobInvalid")<
  Answered & { readonly errors: ReadonlyArray<{ readonly path: string; readonly message: string }> }
> {
  override get message(): string {
    return textOf(this)
  }
}

/** Not possible with the job as it is; or another job, the holder, has the image. */
export class JobInTheWay extends Data.TaggedError("JobInTheWay")<
  Answered & { readonly holder: { readonly job_id: string; readonly name: string } | undefined }
> {
  override get message(): string {
    return textOf(this)
  }
}

/** The Idempotency-Key made this job before, from another configuration. */
export class KeyUsed extends Data.TaggedError("KeyUsed")<Answered & { readonly jobId: string }> {
  override get message(): string {
    return textOf(this)
  }
}

/** Who asks is not known to the service, or may not do this. */
export class NotPermitted extends Data.TaggedError("NotPermitted")<Answered> {
  override get message(): string {
    return textOf(this)
  }
}

/** The service doesn't answer, or can't just now. The same call may do better later. */
export class ServiceUnavailable extends Data.TaggedError("ServiceUnavailable")<{
  /** Missing: there was no answer at all. */
  readonly code?: number
  readonly error: string
  readonly cause?: unknown
}> {
  override get message(): string {
    return this.error
  }
}

/** The call took longer than it may. What it was to do may have been done. */
export class CallTimeout extends Data.TaggedError("CallTimeout")<{ readonly millis: number }> {
  override get message(): string {
    return `no answer within ${this.millis} ms`
  }
}

/** An answer that this client doesn't understand: another service, or a fault of the service's own. */
export class UnexpectedAnswer extends Data.TaggedError("UnexpectedAnswer")<{
  readonly code?: number
  readonly error: string
  readonly cause?: unknown
}> {
  override get message(): string {
    return this.error
  }
}

/** The caller's own signal ended it. */
export class CallAborted extends Data.TaggedError("CallAborted")<{ readonly cause?: unknown }> {
  override get message(): string {
    return "aborted by the caller"
  }
}

/** What a call rejects with; `_tag` tells them apart, and so does `instanceof`. */
export type JobForgeError =
  | CallAborted
  | CallTimeout
  | JobInTheWay
  | JobInvalid
  | JobMissing
  | KeyUsed
  | NotPermitted
  | ServiceUnavailable
  | UnexpectedAnswer
