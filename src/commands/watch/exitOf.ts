import { Effect } from "effect"
import type { JobState } from "../../api/JobState.ts"
import { CommandError, exitCodes } from "../CommandError.ts"

/** How a command ends that has seen a job's end. */
export const exitOf = ({ reason, status }: Pick<JobState, "status" | "reason">): Effect.Effect<void, CommandError> => {
  if (status === "SUCCEEDED") return Effect.void
  return reason === "Cancelled"
    ? new CommandError({ message: "job failed: it was cancelled", exitCode: exitCodes.cancelled })
    : new CommandError({ message: "job failed", exitCode: exitCodes.failed })
}
