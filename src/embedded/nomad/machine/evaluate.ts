import { HashMap, Option } from "effect"
import type { Draft } from "./Draft.ts"
import {
  type Allocation,
  allocationsOfJob,
  type Evaluation,
  evaluationsOfJob,
  isTerminal,
  type Metrics,
  type StoredJob
} from "./NomadState.ts"
import { place } from "./placement.ts"
import { reconcileJob, type Wanted, type Wishes } from "./reconcileJob.ts"

/**
 * One pass of the scheduler over one evaluation: the plan is one entry of the log, the evaluation's end another, and
 * what could not be placed waits in an evaluation of its own.
 */
export const evaluate = (draft: Draft, evaluation: Evaluation): void => {
  const snapshot = draft.index
  const wishes = reconcileJob(draft.state, evaluation.JobID)
  const failed = applyPlan(draft, evaluation, wishes)
  const blocked = Object.keys(failed).length > 0 ? block(draft, evaluation, failed, snapshot) : undefined
  draft.advance()
  const job = Option.getOrUndefined(HashMap.get(draft.state.jobs, evaluation.JobID))
  draft.putEvaluation(
    {
      ...evaluation,
      Status: "complete",
      SnapshotIndex: snapshot,
      ...(job === undefined ? {} : { QueuedAllocations: queued(job, failed) }),
      ...(blocked === undefined ? {} : { BlockedEval: blocked.ID, FailedTGAllocs: failed }),
      ModifyIndex: draft.index,
      ModifyTime: draft.now
    },
    "EvaluationUpdated"
  )
  cancelBlocked(draft, evaluation.JobID, blocked?.ID)
  refreshJobStatus(draft, evaluation.JobID, "EvaluationUpdated")
}

/**
 * Another try for what waits, in the order in which it began to wait. What still can't be placed in full stays as it
 * is, unless a part of it can.
 */
export const retryBlocked = (draft: Draft): void => {
  draft.freed = false
  const waiting = [...draft.state.blocked]
    .flatMap((id) => Option.toArray(HashMap.get(draft.state.evaluations, id)))
    .toSorted((a, b) => a.CreateIndex - b.CreateIndex)
  for (const evaluation of waiting) {
    const wishes = reconcileJob(draft.state, evaluation.JobID)
    const job = Option.getOrUndefined(HashMap.get(draft.state.jobs, evaluation.JobID))
    if (job === undefined) continue
    const isSatisfied = wishes.place.length === 0
    if (!isSatisfied && !wishes.place.some(({ group }) => place(draft.state, job, group)._tag === "Placed")) continue
    const snapshot = draft.index
    const failed = applyPlan(draft, evaluation, wishes)
    draft.advance()
    const { ClassEligibility: _, FailedTGAllocs: __, ...rest } = evaluation
    const done = Object.keys(failed).length === 0
    draft.putEvaluation(
      {
        ...rest,
        ...(done ? {} : { FailedTGAllocs: failed }),
        Status: done ? "complete" : "blocked",
        QueuedAllocations: queued(job, failed),
        SnapshotIndex: snapshot,
        ModifyIndex: draft.index,
        ModifyTime: draft.now
      },
      "EvaluationUpdated"
    )
    refreshJobStatus(draft, evaluation.JobID, "EvaluationUpdated")
  }
}

/** Brings a job's status in line with its allocations and evaluations; `type` names the event that caused it. */
export const refreshJobStatus = (draft: Draft, jobId: string, type: string): void => {
  const job = Option.getOrUndefined(HashMap.get(draft.state.jobs, jobId))
  if (job === undefined) return
  const status = statusOf(draft, jobId)
  if (status !== job.Status) draft.putJob({ ...job, Status: status, ModifyIndex: draft.index }, type)
}

const statusOf = (draft: Draft, jobId: string): string => {
  if (allocationsOfJob(draft.state, jobId).some((allocation) => !isTerminal(allocation))) return "running"
  const waits = evaluationsOfJob(draft.state, jobId).some(({ Status }) => Status === "pending" || Status === "blocked")
  return waits ? "pending" : "dead"
}

type Failures = Readonly<Record<string, Metrics>>

/** Stops, keeps and places; gives the groups that found no node. An empty plan writes nothing. */
const applyPlan = (draft: Draft, evaluation: Evaluation, wishes: Wishes): Failures => {
  const failed: Record<string, Metrics> = {}
  const changes = wishes.stop.length + wishes.unknown.length + wishes.inPlace.length + wishes.place.length
  if (changes === 0) return failed
  const plan = new Plan(draft, evaluation)
  for (const { allocation, description, lost } of wishes.stop) {
    plan.write({
      ...allocation,
      DesiredStatus: "stop",
      DesiredDescription: description,
      ClientStatus: lost ? "lost" : allocation.ClientStatus,
      ModifyTime: draft.now
    })
    // What is lost makes no room: its node is away with all that it has.
    draft.freed ||= !lost
  }
  for (const allocation of wishes.unknown) {
    const description = "alloc is unknown since its node is disconnected"
    plan.write({ ...allocation, ClientStatus: "unknown", ClientDescription: description, ModifyTime: draft.now })
  }
  const job = Option.getOrUndefined(HashMap.get(draft.state.jobs, evaluation.JobID))
  if (job === undefined) return failed
  for (const allocation of wishes.inPlace) plan.write({ ...allocation, Job: job, ModifyTime: draft.now })
  for (const wanted of wishes.place) placeOne(plan, job, wanted, failed)
  if (plan.begun) refreshJobStatus(draft, job.ID, "PlanResult")
  return failed
}

/** The one entry of the log that a plan becomes; it is begun by the first change in it. */
class Plan {
  begun = false
  readonly draft: Draft
  readonly evaluation: Evaluation

  constructor(draft: Draft, evaluation: Evaluation) {
    this.draft = draft
    this.evaluation = evaluation
  }

  begin(): number {
    if (!this.begun) {
      this.begun = true
      this.draft.advance()
      this.draft.putEvaluation({ ...this.evaluation, ModifyIndex: this.draft.index }, "PlanResult")
    }
    return this.draft.index
  }

  write(allocation: Allocation): void {
    const index = this.begin()
    this.draft.putAllocation({ ...allocation, ModifyIndex: index, AllocModifyIndex: index }, "PlanResult")
  }
}

const placeOne = (
  plan: Plan,
  job: StoredJob,
  { group, name, previous }: Wanted,
  failed: Record<string, Metrics>
): void => {
  const { draft } = plan
  const known = failed[group.Name]
  // A group that found no node once finds none for its other instances either.
  if (known !== undefined) {
    failed[group.Name] = { ...known, CoalescedFailures: known.CoalescedFailures + 1 }
    return
  }
  const placement = place(draft.state, job, group)
  if (placement._tag === "Unplaced") {
    failed[group.Name] = placement.metrics
    return
  }
  const id = draft.newId()
  if (previous !== undefined) {
    const current = Option.getOrElse(HashMap.get(draft.state.allocations, previous.ID), () => previous)
    plan.write({ ...current, NextAllocation: id })
  }
  const index = plan.begin()
  plan.write({
    ID: id,
    Namespace: job.Namespace,
    EvalID: plan.evaluation.ID,
    Name: name,
    NodeID: placement.node.ID,
    NodeName: placement.node.Name,
    JobID: job.ID,
    Job: job,
    TaskGroup: group.Name,
    Metrics: placement.metrics,
    DesiredStatus: "run",
    DesiredDescription: "",
    Migrate: false,
    ClientStatus: "pending",
    ClientDescription: "",
    TaskStates: null,
    PreviousAllocation: previous?.ID ?? "",
    NextAllocation: "",
    CreateIndex: index,
    ModifyIndex: index,
    AllocModifyIndex: index,
    CreateTime: draft.now,
    ModifyTime: draft.now
  })
}

const block = (draft: Draft, cause: Evaluation, failed: Failures, snapshot: number): Evaluation => {
  draft.advance()
  const evaluation: Evaluation = {
    ID: draft.newId(),
    Namespace: cause.Namespace,
    Priority: cause.Priority,
    Type: cause.Type,
    TriggeredBy: "queued-allocs",
    JobID: cause.JobID,
    ...(cause.JobModifyIndex === undefined ? {} : { JobModifyIndex: cause.JobModifyIndex }),
    Status: "blocked",
    StatusDescription: "created to place remaining allocations",
    PreviousEval: cause.ID,
    FailedTGAllocs: failed,
    SnapshotIndex: snapshot,
    CreateIndex: draft.index,
    ModifyIndex: draft.index,
    CreateTime: draft.now,
    ModifyTime: draft.now
  }
  draft.putEvaluation(evaluation, "EvaluationUpdated")
  return evaluation
}

/** How many instances of each group still wait for a node. */
const queued = (job: StoredJob, failed: Failures): Readonly<Record<string, number>> =>
  Object.fromEntries(
    (job.TaskGroups ?? []).map((group) => [
      group.Name,
      Object.hasOwn(failed, group.Name) ? (failed[group.Name]?.CoalescedFailures ?? 0) + 1 : 0
    ])
  )

/** A newer evaluation that placed everything, or that waits itself, leaves the older ones nothing to do. */
const cancelBlocked = (draft: Draft, jobId: string, newer: string | undefined): void => {
  for (const evaluation of evaluationsOfJob(draft.state, jobId)) {
    if (evaluation.Status !== "blocked" || evaluation.ID === newer) continue
    draft.putEvaluation(
      {
        ...evaluation,
        Status: "canceled",
        StatusDescription:
          newer === undefined
            ? `evaluation ${JSON.stringify(evaluation.ID)} successful`
            : `existing blocked evaluation exists for job ${JSON.stringify(jobId)}`,
        ModifyIndex: draft.index
      },
      "EvaluationUpdated"
    )
  }
}
