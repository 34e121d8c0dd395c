import { HashMap, Option } from "effect"
import type { Draft } from "./Draft.ts"
import { evaluate } from "./evaluate.ts"
import type { Job } from "./JobSpec.ts"
import type { RegisterCommand, RegisterReply } from "./NomadCommand.ts"
import { allocationsOfJob, type Evaluation, isTerminal, type StoredJob } from "./NomadState.ts"

/** What Nomad says when a job isn't at the index that the registration names. */
export const enforcedIndexFault = (existing: StoredJob | undefined, enforced: number): string | undefined => {
  const prefix = `Enforcing job modify index ${enforced}`
  if (existing === undefined) return enforced === 0 ? undefined : `${prefix}: job does not exist`
  if (enforced === 0) return `${prefix}: job already exists`
  return existing.JobModifyIndex === enforced
    ? undefined
    : `${prefix}: job exists with conflicting job modify index: ${existing.JobModifyIndex}`
}

/** A changed job is a new version; an identical one is evaluated again and that is all. */
export const register = (draft: Draft, command: RegisterCommand): RegisterReply => {
  const existing = Option.getOrUndefined(HashMap.get(draft.state.jobs, command.job.ID))
  if (command.enforceIndex !== undefined && command.unchecked !== true) {
    const fault = enforcedIndexFault(existing, command.enforceIndex)
    if (fault !== undefined) return { _tag: "Refused", text: fault }
  }
  const index = draft.advance()
  const job = existing !== undefined && isSame(existing, command.job) ? existing : next(existing, command.job, draft)
  if (job !== existing) {
    draft.putJob(job, "JobRegistered")
    draft.flush()
  }
  const evaluation = newEvaluation(draft, "job-register", job.ID, job.Type, job.Priority, job.JobModifyIndex)
  draft.putEvaluation(evaluation, "JobRegistered")
  evaluate(draft, evaluation)
  return { _tag: "Registered", evaluationId: evaluation.ID, index, jobModifyIndex: job.JobModifyIndex }
}

/**
 * Stops a job, or with `purge` forgets it and its allocations at once, running ones too: their client ends them without
 * telling anybody. An unknown job is answered alike.
 */
export const deregister = (draft: Draft, jobId: string, purge: boolean) => {
  const index = draft.advance()
  const existing = Option.getOrUndefined(HashMap.get(draft.state.jobs, jobId))
  if (existing !== undefined && purge) forget(draft, jobId)
  else if (existing !== undefined) {
    const changed = existing.Stop ? {} : { Version: existing.Version + 1 }
    draft.putJob({ ...existing, ...changed, Stop: true, JobModifyIndex: index, ModifyIndex: index }, "JobDeregistered")
    draft.flush()
  }
  const evaluation = newEvaluation(draft, "job-deregister", jobId, "service", existing?.Priority ?? 50, index)
  draft.putEvaluation(evaluation, "JobDeregistered")
  evaluate(draft, evaluation)
  return { _tag: "Evaluated" as const, evaluationId: evaluation.ID, index, jobModifyIndex: index }
}

const forget = (draft: Draft, jobId: string): void => {
  draft.removeJob(jobId)
  for (const allocation of allocationsOfJob(draft.state, jobId)) {
    if (!isTerminal(allocation)) draft.freed = true
    draft.removeAllocation(allocation)
  }
}

const next = (existing: StoredJob | undefined, job: Job, draft: Draft): StoredJob => ({
  ...job,
  Status: "pending",
  SubmitTime: draft.now,
  Version: existing === undefined ? 0 : existing.Version + 1,
  CreateIndex: existing?.CreateIndex ?? draft.index,
  JobModifyIndex: draft.index,
  ModifyIndex: draft.index
})

/** What the server itself keeps about a job doesn't make it another one. */
const isSame = (existing: StoredJob, job: Job): boolean =>
  JSON.stringify(sorted(given(existing))) === JSON.stringify(sorted(given(job)))

const given = (job: Job): Job => ({
  ...job,
  CreateIndex: 0,
  JobModifyIndex: 0,
  ModifyIndex: 0,
  Status: "",
  SubmitTime: 0,
  Version: 0
})

/** The order of an object's keys means nothing. */
const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)])
  )
}

const newEvaluation = (
  draft: Draft,
  TriggeredBy: string,
  JobID: string,
  Type: string,
  Priority: number,
  JobModifyIndex: number
): Evaluation => ({
  ID: draft.newId(),
  Namespace: "default",
  Priority,
  Type,
  TriggeredBy,
  JobID,
  JobModifyIndex,
  Status: "pending",
  CreateIndex: draft.index,
  ModifyIndex: draft.index,
  CreateTime: draft.now,
  ModifyTime: draft.now
})
