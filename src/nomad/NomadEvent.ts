import { Data } from "effect"

/**
 * What Nomad's event stream tells: that something changed, not to what. Events can be missed, doubled and late, so a
 * consumer reads the thing itself.
 */
export type NomadEvent = Data.TaggedEnum<{
  /**
   * The stream begins, or begins again. What happened meanwhile may be missing without a mark: list everything anew.
   */
  Connected: {}
  /** A purge of a job isn't told; its evaluation is. */
  JobChanged: { readonly jobId: string; readonly index: number }
  AllocationChanged: {
    readonly jobId: string
    readonly allocationId: string
    readonly stage: AllocationStage
    readonly index: number
  }
  EvaluationChanged: {
    readonly jobId: string
    /** It went as it should: it waits for the scheduler, or has placed everything, which the allocations tell. */
    readonly isRoutine: boolean
    readonly index: number
  }
  NodeChanged: { readonly nodeId: string; readonly index: number }
}>
export const NomadEvent = Data.taggedEnum<NomadEvent>()

/** Where the allocation was when it changed. Ended: its tasks are over, or it is given up. */
export type AllocationStage = "starting" | "running" | "ended"

type Topic = "Job" | "Allocation" | "Evaluation" | "Node"

/**
 * A topic, or the part of it about one job id, allocation id or node id. Nomad refuses an id with a colon here, which
 * it takes elsewhere. `Node` needs more than a namespace policy.
 */
export type EventTopic = Topic | `${Topic}:${string}`
