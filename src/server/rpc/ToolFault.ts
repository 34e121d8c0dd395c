import { Data } from "effect"
import { faultsText } from "../../domain/summarize.ts"
import type { ApiError } from "../../http/ApiError.ts"
import type { SlotTaken, SubmitKeyReused } from "../../store/Submissions.ts"
import type { InvalidJob, JobConflict, JobNotFound, NotAllowed } from "../JobErrors.ts"

/** JSON-RPC 2.0's own codes. */
export const rpcCode = {
  parseError: -32_700,
  invalidRequest: -32_600,
  methodNotFound: -32_601,
  invalidParams: -32_602,
  internalError: -32_603
} as const

/** The call is no call of this tool: a mistake of the program that makes it, and answered as the protocol's own error. */
export class NoToolCall extends Data.TaggedError("NoToolCall")<{
  readonly text: "Invalid params" | "Tool name required" | "job_id required"
  readonly detail: string
}> {
  override get message(): string {
    return `${this.text}: ${this.detail}`
  }
}

/** The tool was called rightly and could not do it. Whoever called it reads why, and what to do now. */
export class ToolFailed extends Data.TaggedError("ToolFailed")<{
  /** Which code it has where there is no result to put it in: with a plain JSON-RPC call. */
  readonly code: typeof rpcCode.invalidParams | typeof rpcCode.internalError
  /** Clients match on it. */
  readonly text: string
  readonly detail: string
  /** One sentence each: all faults of a configuration, for one. */
  readonly faults: ReadonlyArray<string>
  readonly advice: string
}> {
  override get message(): string {
    return `${this.text}: ${this.detail}`
  }
}

export type ToolFault = NoToolCall | ToolFailed

type JobError = ApiError | InvalidJob | JobConflict | JobNotFound | NotAllowed | SlotTaken | SubmitKeyReused

/** What went wrong with a job in the words of the tools. `text` is for all that has no words of its own. */
export const toolFailed =
  (text: string) =>
  (error: JobError): ToolFailed => {
    const failed = (advice: string, more: Partial<Pick<ToolFailed, "code" | "text" | "faults">> = {}) =>
      new ToolFailed({ code: rpcCode.internalError, text, detail: error.message, faults: [], advice, ...more })
    switch (error._tag) {
      case "JobNotFound":
        return failed("Check the job_id; listJobs shows the jobs that there are.", { text: "Job not found" })
      case "InvalidJob":
        return failed("Mend every field that is named here, then call submitJob again.", {
          code: rpcCode.invalidParams,
          text: "Job configuration validation failed",
          faults: error.errors.map(({ message }) => message)
        })
      case "SlotTaken":
        return failed(`Call waitForJob with job_id ${error.holder.job_id}, then submitJob again.`)
      case "SubmitKeyReused":
        return failed("Leave the idempotency_key out, or choose a new one for the changed configuration.")
      case "JobConflict":
        return failed("Call getStatus to see how the job stands.")
      case "NotAllowed":
        return failed("Ask whoever runs the service for the right, or use a job of your own.")
      case "NotFound":
      case "Conflict":
      case "Denied":
      case "Invalid":
        return failed("Whoever runs the service has to look at this.")
      case "Unavailable":
        return failed("Try again in a moment.")
    }
  }

/** Arguments that a tool can't take. Like a wrong configuration it is for the caller to mend, not for its program. */
export const badArguments = (tool: string, faults: Parameters<typeof faultsText>[0]): ToolFailed =>
  new ToolFailed({
    code: rpcCode.invalidParams,
    text: "Invalid params",
    detail: faultsText(faults),
    faults: faults.map(({ message }) => message),
    advice: `Mend these arguments and call ${tool} again.`
  })
