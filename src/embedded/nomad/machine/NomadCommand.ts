import type { Job } from "./JobSpec.ts"
import type { Allocation, NomadNode } from "./NomadState.ts"
import type { TaskState } from "./TaskEvent.ts"

export interface RegisterCommand {
  readonly _tag: "Register"
  readonly job: Job
  /** The `JobModifyIndex` that the job must have, 0 for a job that must not exist yet. */
  readonly enforceIndex?: number
  /**
   * Skips the check of an `enforceIndex` of 0. Before Nomad 1.10.11, 1.11.5 and 2.0.1 two registrations at the same
   * time could both pass it: whoever models that checks with `enforcedIndexFault` first and applies later.
   */
  readonly unchecked?: boolean
}

export type RegisterReply =
  | {
      readonly _tag: "Registered"
      readonly evaluationId: string
      readonly index: number
      readonly jobModifyIndex: number
    }
  | { readonly _tag: "Refused"; readonly text: string }

/** What a client says about one of its allocations. */
export interface AllocationUpdate {
  readonly id: string
  readonly clientStatus: Allocation["ClientStatus"]
  readonly clientDescription: string
  readonly taskStates: Readonly<Record<string, TaskState>>
}

/** Everything that changes what the servers know. */
export type Command =
  | RegisterCommand
  | { readonly _tag: "Deregister"; readonly jobId: string; readonly purge: boolean }
  | { readonly _tag: "StopAllocation"; readonly id: string }
  | { readonly _tag: "EvaluateJob"; readonly jobId: string }
  | { readonly _tag: "UpdateAllocations"; readonly updates: ReadonlyArray<AllocationUpdate> }
  | {
      readonly _tag: "UpsertNode"
      readonly node: Omit<NomadNode, "CreateIndex" | "ModifyIndex" | "Status" | "SchedulingEligibility" | "Drain">
    }
  | { readonly _tag: "SetNodeStatus"; readonly id: string; readonly status: "ready" | "down" }
  | { readonly _tag: "SetNodeEligibility"; readonly id: string; readonly eligible: boolean }
  | { readonly _tag: "DrainNode"; readonly id: string; readonly drain: boolean }
  /** Without `olderThan` (nanoseconds since the epoch) all that has ended goes, else what ended before it. */
  | { readonly _tag: "CollectGarbage"; readonly olderThan?: number }

/** What the command is answered with; `Refused` carries Nomad's text for a status 500, `Missing` for 404. */
export type Reply =
  | RegisterReply
  | {
      readonly _tag: "Evaluated"
      readonly evaluationId: string
      readonly index: number
      readonly jobModifyIndex: number
    }
  | { readonly _tag: "Missing"; readonly text: string }
  | { readonly _tag: "Done"; readonly index: number }
