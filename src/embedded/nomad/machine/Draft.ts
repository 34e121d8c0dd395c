import { HashMap, HashSet, Option } from "effect"
import { withAllocation, withoutAllocation } from "./allocationRows.ts"
import { exclude, include } from "./IdIndex.ts"
import {
  type Allocation,
  type EventBatch,
  type Evaluation,
  keptEvents,
  keptVersions,
  type NomadEvent,
  type NomadNode,
  type NomadState,
  type StoredJob,
  type TableName
} from "./NomadState.ts"

/** A row that a command wrote, or removed when `value` is null: what a journal must keep. */
export type Change =
  | { readonly table: "job"; readonly key: string; readonly value: StoredJob | null }
  | { readonly table: "versions"; readonly key: string; readonly value: ReadonlyArray<StoredJob> | null }
  | { readonly table: "allocation"; readonly key: string; readonly value: Allocation | null }
  | { readonly table: "evaluation"; readonly key: string; readonly value: Evaluation | null }
  | { readonly table: "node"; readonly key: string; readonly value: NomadNode | null }

/** The id that the command's nth new row gets; the same number always gives the same id. */
export type Ids = (ordinal: number) => string

/**
 * A state under construction: what one command writes, index by index, as the entries of Nomad's log would. It lives
 * for one command only, and the state it began with stays as it was.
 */
export class Draft {
  state: NomadState
  readonly changes: Array<Change> = []
  readonly batches: Array<EventBatch> = []
  /** Something that was taken became free: blocked evaluations are worth another try. */
  freed = false
  private pending: Array<NomadEvent> = []
  private ordinal = 0
  /** Nanoseconds since the epoch. */
  readonly now: number
  private readonly ids: Ids

  constructor(state: NomadState, now: number, ids: Ids) {
    this.state = state
    this.now = now
    this.ids = ids
  }

  get index(): number {
    return this.state.index
  }

  newId(): string {
    const id = this.ids(this.ordinal)
    this.ordinal += 1
    return id
  }

  /** Begins the next entry of the log. */
  advance(): number {
    this.flush()
    this.state = { ...this.state, index: this.state.index + 1 }
    return this.state.index
  }

  /** Ends a batch of events without beginning a new entry, as Nomad does between a job and its evaluation. */
  flush(): void {
    if (this.pending.length === 0) return
    const batch: EventBatch = { Index: this.state.index, Events: this.pending }
    this.batches.push(batch)
    this.state = { ...this.state, events: [...this.state.events, batch].slice(-keptEvents) }
    this.pending = []
  }

  putJob(job: StoredJob, event: string): void {
    const older = Option.getOrElse(HashMap.get(this.state.versions, job.ID), (): ReadonlyArray<StoredJob> => [])
    const versions = [job, ...older.filter((version) => version.Version !== job.Version)].slice(0, keptVersions)
    this.state = {
      ...this.state,
      jobs: HashMap.set(this.state.jobs, job.ID, job),
      versions: HashMap.set(this.state.versions, job.ID, versions)
    }
    this.touch("jobs")
    this.changes.push({ table: "job", key: job.ID, value: job }, { table: "versions", key: job.ID, value: versions })
    this.emit("Job", event, job.ID, null, { Job: job })
  }

  removeJob(id: string): void {
    this.state = {
      ...this.state,
      jobs: HashMap.remove(this.state.jobs, id),
      versions: HashMap.remove(this.state.versions, id)
    }
    this.touch("jobs")
    this.changes.push({ table: "job", key: id, value: null }, { table: "versions", key: id, value: null })
  }

  putEvaluation(evaluation: Evaluation, event: string): void {
    const { state } = this
    this.state = {
      ...state,
      evaluations: HashMap.set(state.evaluations, evaluation.ID, evaluation),
      evaluationsOfJob: include(state.evaluationsOfJob, evaluation.JobID, evaluation.ID),
      blocked:
        evaluation.Status === "blocked"
          ? HashSet.add(state.blocked, evaluation.ID)
          : HashSet.remove(state.blocked, evaluation.ID)
    }
    this.touch("evals")
    this.changes.push({ table: "evaluation", key: evaluation.ID, value: evaluation })
    this.emit("Evaluation", event, evaluation.ID, [evaluation.JobID, ""], { Evaluation: evaluation })
  }

  removeEvaluation(evaluation: Evaluation): void {
    const { state } = this
    this.state = {
      ...state,
      evaluations: HashMap.remove(state.evaluations, evaluation.ID),
      evaluationsOfJob: exclude(state.evaluationsOfJob, evaluation.JobID, evaluation.ID),
      blocked: HashSet.remove(state.blocked, evaluation.ID)
    }
    this.touch("evals")
    this.changes.push({ table: "evaluation", key: evaluation.ID, value: null })
  }

  putAllocation(allocation: Allocation, event: string): void {
    this.state = withAllocation(this.state, allocation)
    this.touch("allocs")
    this.changes.push({ table: "allocation", key: allocation.ID, value: allocation })
    this.emit("Allocation", event, allocation.ID, [allocation.JobID, ""], { Allocation: allocation })
  }

  removeAllocation(allocation: Allocation): void {
    this.state = withoutAllocation(this.state, allocation)
    this.touch("allocs")
    this.changes.push({ table: "allocation", key: allocation.ID, value: null })
  }

  putNode(node: NomadNode, event: string): void {
    this.state = { ...this.state, nodes: HashMap.set(this.state.nodes, node.ID, node) }
    this.touch("nodes")
    this.changes.push({ table: "node", key: node.ID, value: node })
    this.emit("Node", event, node.ID, null, { Node: node })
  }

  private touch(table: TableName): void {
    this.state = { ...this.state, tableIndex: { ...this.state.tableIndex, [table]: this.state.index } }
  }

  private emit(
    topic: NomadEvent["Topic"],
    type: string,
    key: string,
    filterKeys: NomadEvent["FilterKeys"],
    payload: NomadEvent["Payload"]
  ): void {
    this.pending.push({
      Topic: topic,
      Type: type,
      Key: key,
      Namespace: topic === "Node" ? "" : "default",
      FilterKeys: filterKeys,
      Index: this.state.index,
      Payload: payload
    })
  }
}
