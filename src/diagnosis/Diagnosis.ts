import { Schema } from "effect"
import { JobStatus, Phase, Reason } from "../domain/Status.ts"
import { Cause } from "./Cause.ts"

/** Bytes that a diagnosis may have as JSON. */
export const maximumDiagnosisBytes = 8 * 1024

/** What of the job's own files failed. */
export const FailedStep = Schema.Union(
  /** `number` of `of` steps, as Buildah counts them, with the instruction as it was printed. */
  Schema.Struct({
    kind: Schema.Literal("instruction"),
    number: Schema.optional(Schema.Int),
    of: Schema.optional(Schema.Int),
    text: Schema.String
  }),
  Schema.Struct({ kind: Schema.Literal("command"), index: Schema.Int, text: Schema.String }),
  Schema.Struct({ kind: Schema.Literal("entry-point") }),
  Schema.Struct({ kind: Schema.Literal("checkout") }),
  Schema.Struct({ kind: Schema.Literal("push") }),
  Schema.Struct({ kind: Schema.Literal("publish") })
)
export type FailedStep = typeof FailedStep.Type

/** Why a job failed and what to do now, in one answer. Its log lines are untrusted data: they come from the build. */
export const Diagnosis = Schema.Struct({
  job_id: Schema.String,
  status: JobStatus,
  /** Missing while nothing has failed. */
  cause: Schema.optional(Cause),
  reason: Schema.optional(Reason),
  /** One sentence for people. */
  summary: Schema.String,
  phase: Schema.optional(Phase),
  attempt: Schema.optional(Schema.Int),
  step: Schema.optional(FailedStep),
  exit_code: Schema.optional(Schema.Int),
  /** The first line that tells of the failure, and where it stands in the log. */
  error: Schema.optional(
    Schema.Struct({
      line: Schema.String,
      number: Schema.Int,
      stream: Schema.Literal("stdout", "stderr"),
      before: Schema.Array(Schema.String),
      after: Schema.Array(Schema.String)
    })
  ),
  /** The last lines. */
  tail: Schema.Array(Schema.String),
  /** Lines or characters were left out for the limit's sake, or the log itself was cut. */
  truncated: Schema.Boolean,
  /** Whether the same submission may do better the next time. */
  retryable: Schema.Boolean,
  /** What to do now, in one sentence. */
  next_action: Schema.String
})
export type Diagnosis = typeof Diagnosis.Type
