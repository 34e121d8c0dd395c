import { atRest } from "../domain/advance.ts"
import type { Policy } from "../domain/Policy.ts"
import type { Owner } from "../store/Owner.ts"
import type { Child } from "./Child.ts"

/** Why a child has no right to run; undefined: it has, or that can't be said yet. */
export const judgeOrphan = (
  child: Child,
  owner: Owner,
  policy: Pick<Policy, "publishTimeout">,
  now: number
): string | undefined => {
  // What cleans up after a dead run has no owner, only a limit.
  const tolerated = child.phase === "cleanup" && now - child.submittedAt <= policy.publishTimeout
  switch (owner._tag) {
    case "Undecided":
      return undefined
    case "Gone":
      return tolerated ? undefined : "record and status are gone"
    case "Known": {
      const { status } = owner
      const attempt = status.attempts.find(({ nomad_job_id: id }) => id === child.id)
      if (attempt === undefined) {
        if (tolerated) return undefined
        return status.job_id === child.jobId ? "its run doesn't know it" : "its run is not the record's present one"
      }
      return attempt.outcome === undefined ? undefined : "its outcome is written down already"
    }
  }
}

/** Whether nobody is left who would remove what this build pushed: its run is over, and so is all that it started. */
export const isAbandoned = (child: Child, owner: Owner, policy: Policy): boolean => {
  switch (owner._tag) {
    case "Undecided":
      return false
    case "Gone":
      return true
    case "Known":
      return owner.status.job_id !== child.jobId || atRest(owner.status, policy)
  }
}
