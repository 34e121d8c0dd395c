import { HashMap, Option } from "effect"
import { type Change, Draft, type Ids } from "./Draft.ts"
import { evaluate, refreshJobStatus, retryBlocked } from "./evaluate.ts"
import { deregister, register } from "./registerJob.ts"
import type { AllocationUpdate, Command, Reply } from "./NomadCommand.ts"
import { updateNode } from "./nodeCommands.ts"
import {
  type Allocation,
  allocationsOfJob,
  type EventBatch,
  type Evaluation,
  evaluationsOfJob,
  isClientTerminal,
  isTerminal,
  type NomadState,
  type StoredJob
} from "./NomadState.ts"

export interface Step {
  readonly state: NomadState
  readonly reply: Reply
  /** Batches for event streams, in order. */
  readonly events: ReadonlyArray<EventBatch>
  /** Rows to keep, in order; a later one of the same key replaces an earlier one. */
  readonly changes: ReadonlyArray<Change>
}

/**
 * One command, scheduling included, applied to a state: the same four arguments always give the same step. `now` is in
 * nanoseconds since the epoch. Also the model of Nomad that the simulator runs on.
 */
export const step = (state: NomadState, command: Command, now: number, ids: Ids): Step => {
  const draft = new Draft(state, now, ids)
  const reply = run(draft, command)
  if (draft.freed) retryBlocked(draft)
  draft.flush()
  return { state: draft.state, reply, events: draft.batches, changes: draft.changes }
}

const run = (draft: Draft, command: Command): Reply => {
  switch (command._tag) {
    case "Register":
      return register(draft, command)
    case "Deregister":
      return deregister(draft, command.jobId, command.purge)
    case "StopAllocation":
      return stopAllocation(draft, command.id)
    case "EvaluateJob":
      return evaluateJob(draft, command.jobId)
    case "UpdateAllocations":
      return updateAllocations(draft, command.updates)
    case "CollectGarbage":
      return collectGarbage(draft, command.olderThan ?? Number.POSITIVE_INFINITY)
    default:
      return updateNode(draft, command)
  }
}

const stopAllocation = (draft: Draft, id: string): Reply => {
  const allocation = Option.getOrUndefined(HashMap.get(draft.state.allocations, id))
  if (allocation === undefined) return { _tag: "Missing", text: "alloc not found" }
  const index = draft.advance()
  draft.putAllocation({ ...allocation, Migrate: true, ModifyIndex: index }, "AllocationUpdateDesiredStatus")
  return triggered(draft, allocation.JobID, "alloc-stop", index)
}

const evaluateJob = (draft: Draft, jobId: string): Reply =>
  HashMap.has(draft.state.jobs, jobId)
    ? triggered(draft, jobId, "job-register", draft.advance())
    : { _tag: "Missing", text: "job not found" }

const triggered = (draft: Draft, jobId: string, TriggeredBy: string, index: number): Reply => {
  const job = Option.getOrUndefined(HashMap.get(draft.state.jobs, jobId))
  const evaluation = {
    ID: draft.newId(),
    Namespace: "default",
    Priority: job?.Priority ?? 50,
    Type: job?.Type ?? "batch",
    TriggeredBy,
    JobID: jobId,
    ...(job === undefined ? {} : { JobModifyIndex: job.JobModifyIndex }),
    Status: "pending" as const,
    CreateIndex: index,
    ModifyIndex: index,
    CreateTime: draft.now,
    ModifyTime: draft.now
  }
  draft.putEvaluation(evaluation, "AllocationUpdateDesiredStatus")
  evaluate(draft, evaluation)
  return { _tag: "Evaluated", evaluationId: evaluation.ID, index, jobModifyIndex: job?.JobModifyIndex ?? 0 }
}

/** What a client reports is taken as it is, even of an allocation that was given up: a lost one may come back. */
const updateAllocations = (draft: Draft, updates: ReadonlyArray<AllocationUpdate>): Reply => {
  const known = updates.flatMap((update) =>
    Option.match(HashMap.get(draft.state.allocations, update.id), {
      onNone: () => [],
      onSome: (allocation) => [{ update, allocation }]
    })
  )
  if (known.length === 0) return { _tag: "Done", index: draft.index }
  const index = draft.advance()
  for (const { update, allocation } of known) {
    const updated: Allocation = {
      ...allocation,
      ClientStatus: update.clientStatus,
      ClientDescription: update.clientDescription,
      TaskStates: update.taskStates,
      ModifyIndex: index,
      ModifyTime: draft.now
    }
    draft.putAllocation(updated, "AllocationUpdated")
    if (isClientTerminal(updated) && !isTerminal(allocation)) draft.freed = true
  }
  for (const { allocation } of known) refreshJobStatus(draft, allocation.JobID, "AllocationUpdated")
  return { _tag: "Done", index }
}

/**
 * `PUT /v1/system/gc`: dead jobs go with all that belongs to them, and so does what purged jobs left behind. What
 * still runs or waits stays.
 */
const collectGarbage = (draft: Draft, olderThan: number): Reply => {
  const before = draft.index
  let index = before
  const jobIds = new Set([
    ...HashMap.keys(draft.state.allocationsOfJob),
    ...HashMap.keys(draft.state.evaluationsOfJob),
    ...HashMap.keys(draft.state.jobs)
  ])
  for (const jobId of [...jobIds].toSorted()) {
    const job = Option.getOrUndefined(HashMap.get(draft.state.jobs, jobId))
    const allocations = allocationsOfJob(draft.state, jobId)
    const evaluations = evaluationsOfJob(draft.state, jobId)
    if (!hasEnded(job, allocations, evaluations, olderThan)) continue
    if (index === before) index = draft.advance()
    for (const allocation of allocations) draft.removeAllocation(allocation)
    for (const evaluation of evaluations) draft.removeEvaluation(evaluation)
    if (job !== undefined) draft.removeJob(jobId)
  }
  return { _tag: "Done", index }
}

const hasEnded = (
  job: StoredJob | undefined,
  allocations: ReadonlyArray<Allocation>,
  evaluations: ReadonlyArray<Evaluation>,
  before: number
): boolean => {
  if (job !== undefined && job.Status !== "dead") return false
  if (!allocations.every(isClientTerminal)) return false
  if (evaluations.some(({ Status }) => Status === "blocked" || Status === "pending")) return false
  const times = [...allocations, ...evaluations].map((row) => row.ModifyTime)
  return Math.max(job?.SubmitTime ?? 0, ...times) < before
}
