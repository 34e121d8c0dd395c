import { HashMap, HashSet, Option } from "effect"
import type { IdIndex } from "./IdIndex.ts"
import type { Resources } from "./Resources.ts"
import type { Job } from "./JobSpec.ts"
import type { TaskState } from "./TaskEvent.ts"

/** Client states after which nothing of the allocation runs any more. */
export const clientTerminal = ["complete", "failed", "lost"] as const

/** A registered job: what was given plus what the server keeps about it. Times are nanoseconds since the epoch. */
export interface StoredJob extends Job {
  readonly CreateIndex: number
  readonly JobModifyIndex: number
  readonly ModifyIndex: number
  readonly Status: string
  readonly SubmitTime: number
  readonly Version: number
}

/** Why a group could not be placed, or what was looked at when it was. */
export interface Metrics {
  readonly AllocationTime: number
  readonly ClassExhausted: null
  readonly ClassFiltered: null
  readonly CoalescedFailures: number
  readonly ConstraintFiltered: Readonly<Record<string, number>> | null
  readonly DimensionExhausted: Readonly<Record<string, number>> | null
  readonly NodePool: string
  readonly NodesAvailable: Readonly<Record<string, number>>
  readonly NodesEvaluated: number
  readonly NodesExhausted: number
  readonly NodesFiltered: number
  readonly NodesInPool: number
  readonly QuotaExhausted: null
  readonly ResourcesExhausted: Readonly<Record<string, unknown>> | null
  readonly ScoreMetaData: ReadonlyArray<unknown> | null
  readonly Scores: null
}

/** Fields that Nomad leaves out of its JSON when empty are absent here too. */
export interface Evaluation {
  readonly ID: string
  readonly Namespace: string
  readonly Priority: number
  readonly Type: string
  readonly TriggeredBy: string
  readonly JobID: string
  readonly JobModifyIndex?: number
  readonly NodeID?: string
  readonly NodeModifyIndex?: number
  readonly Status: "pending" | "blocked" | "complete" | "canceled"
  readonly StatusDescription?: string
  readonly PreviousEval?: string
  readonly BlockedEval?: string
  readonly FailedTGAllocs?: Readonly<Record<string, Metrics>>
  readonly ClassEligibility?: Readonly<Record<string, boolean>>
  readonly QueuedAllocations?: Readonly<Record<string, number>>
  readonly SnapshotIndex?: number
  readonly CreateIndex: number
  readonly ModifyIndex: number
  readonly CreateTime: number
  readonly ModifyTime: number
}

export interface Allocation {
  readonly ID: string
  readonly Namespace: string
  readonly EvalID: string
  readonly Name: string
  readonly NodeID: string
  readonly NodeName: string
  readonly JobID: string
  /** The job's version that this allocation runs. */
  readonly Job: StoredJob
  readonly TaskGroup: string
  readonly Metrics: Metrics
  readonly DesiredStatus: "run" | "stop"
  readonly DesiredDescription: string
  /** An operator or a drain asked for a move. */
  readonly Migrate: boolean
  readonly ClientStatus: "pending" | "running" | "complete" | "failed" | "lost" | "unknown"
  readonly ClientDescription: string
  /** `null` until the client's first word. */
  readonly TaskStates: Readonly<Record<string, TaskState>> | null
  readonly PreviousAllocation: string
  readonly NextAllocation: string
  readonly CreateIndex: number
  readonly ModifyIndex: number
  /** The last change that the servers, not the client, made. */
  readonly AllocModifyIndex: number
  readonly CreateTime: number
  readonly ModifyTime: number
}

export interface HostVolume {
  readonly Name: string
  readonly Path: string
  readonly ReadOnly: boolean
}

export interface DeviceGroup {
  readonly Vendor: string
  readonly Type: string
  readonly Name: string
  readonly Count: number
}

export interface NomadNode {
  readonly ID: string
  readonly Name: string
  readonly Datacenter: string
  readonly NodePool: string
  readonly NodeClass: string
  readonly Address: string
  readonly HTTPAddr: string
  readonly Attributes: Readonly<Record<string, string>>
  readonly Meta: Readonly<Record<string, string>>
  readonly Drivers: ReadonlyArray<string>
  readonly HostVolumes: Readonly<Record<string, HostVolume>>
  readonly Devices: ReadonlyArray<DeviceGroup>
  /** Megahertz, mebibytes, mebibytes. */
  readonly Cpu: number
  readonly MemoryMB: number
  readonly DiskMB: number
  readonly Status: "initializing" | "ready" | "down"
  readonly SchedulingEligibility: "eligible" | "ineligible"
  readonly Drain: boolean
  readonly CreateIndex: number
  readonly ModifyIndex: number
}

export type TableName = "jobs" | "allocs" | "evals" | "nodes"

export interface NomadEvent {
  readonly Topic: "Job" | "Evaluation" | "Allocation" | "Node"
  readonly Type: string
  readonly Key: string
  readonly Namespace: string
  readonly FilterKeys: ReadonlyArray<string> | null
  readonly Index: number
  /** The row that changed, by its topic. */
  readonly Payload: {
    readonly Job?: StoredJob
    readonly Evaluation?: Evaluation
    readonly Allocation?: Allocation
    readonly Node?: NomadNode
  }
}

export interface EventBatch {
  readonly Index: number
  readonly Events: ReadonlyArray<NomadEvent>
}

/** Everything that Nomad's servers know. Never changed in place, so that an old one stays readable. */
export interface NomadState {
  readonly index: number
  /** When a table changed last: the index of what is missing, and of lists. */
  readonly tableIndex: Readonly<Record<TableName, number>>
  readonly jobs: HashMap.HashMap<string, StoredJob>
  /** Newest first, at most `keptVersions`. */
  readonly versions: HashMap.HashMap<string, ReadonlyArray<StoredJob>>
  readonly allocations: HashMap.HashMap<string, Allocation>
  readonly evaluations: HashMap.HashMap<string, Evaluation>
  readonly nodes: HashMap.HashMap<string, NomadNode>
  readonly allocationsOfJob: IdIndex
  readonly evaluationsOfJob: IdIndex
  readonly allocationsOfNode: IdIndex
  /** Those that the client has not ended: what there is to do doesn't grow with what was done. */
  readonly liveAllocationsOfNode: IdIndex
  /** What those take that run or are to: placing one more doesn't cost the more, the more there are. */
  readonly usedOfNode: HashMap.HashMap<string, Resources>
  readonly blocked: HashSet.HashSet<string>
  /** What an event stream can replay: the last `keptEvents` batches, oldest first. Not kept across a restart. */
  readonly events: ReadonlyArray<EventBatch>
}

/** Nomad's `job_tracked_versions`. */
export const keptVersions = 6

/** Nomad's `event_buffer_size`. */
export const keptEvents = 100

export const emptyState: NomadState = {
  index: 1,
  tableIndex: { jobs: 1, allocs: 1, evals: 1, nodes: 1 },
  jobs: HashMap.empty(),
  versions: HashMap.empty(),
  allocations: HashMap.empty(),
  evaluations: HashMap.empty(),
  nodes: HashMap.empty(),
  allocationsOfJob: HashMap.empty(),
  evaluationsOfJob: HashMap.empty(),
  allocationsOfNode: HashMap.empty(),
  liveAllocationsOfNode: HashMap.empty(),
  usedOfNode: HashMap.empty(),
  blocked: HashSet.empty(),
  events: []
}

/** Nothing of it runs and nothing will: by the servers' wish or by the client's word. */
export const isTerminal = (allocation: Allocation): boolean =>
  allocation.DesiredStatus === "stop" || isClientTerminal(allocation)

export const isClientTerminal = ({ ClientStatus }: Allocation): boolean =>
  clientTerminal.some((one) => one === ClientStatus)

export const allocationsOfJob = (state: NomadState, jobId: string): ReadonlyArray<Allocation> =>
  pick(state.allocations, HashMap.get(state.allocationsOfJob, jobId))

export const evaluationsOfJob = (state: NomadState, jobId: string): ReadonlyArray<Evaluation> =>
  pick(state.evaluations, HashMap.get(state.evaluationsOfJob, jobId))

export const allocationsOfNode = (state: NomadState, nodeId: string): ReadonlyArray<Allocation> =>
  pick(state.allocations, HashMap.get(state.allocationsOfNode, nodeId))

/** Those that the client has not ended. */
export const liveAllocationsOfNode = (state: NomadState, nodeId: string): ReadonlyArray<Allocation> =>
  pick(state.allocations, HashMap.get(state.liveAllocationsOfNode, nodeId))

const pick = <A>(rows: HashMap.HashMap<string, A>, ids: Option.Option<HashSet.HashSet<string>>): ReadonlyArray<A> =>
  Option.match(ids, {
    onNone: () => [],
    onSome: (set) => [...set].flatMap((id) => Option.toArray(HashMap.get(rows, id)))
  })
