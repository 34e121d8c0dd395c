import { HashMap, HashSet, Option } from "effect"
import type { Change } from "../machine/Draft.ts"
import { withAllocation, withoutAllocation } from "../machine/allocationRows.ts"
import { isObject } from "../machine/GoJson.ts"
import { exclude, include } from "../machine/IdIndex.ts"
import {
  type Allocation,
  emptyState,
  type Evaluation,
  type NomadNode,
  type NomadState,
  type StoredJob
} from "../machine/NomadState.ts"

/** What one command wrote: its rows and where the log and the tables stood after it. */
export interface StoredStep {
  readonly index: number
  readonly tables: NomadState["tableIndex"]
  readonly changes: ReadonlyArray<Change>
}

/** Reads back what was stored; throws what is wrong with it. */
export const toStoredStep = (json: unknown): StoredStep => {
  if (
    !isObject(json) ||
    typeof json["index"] !== "number" ||
    !isTables(json["tables"]) ||
    !Array.isArray(json["changes"])
  ) {
    throw new Error("no step")
  }
  return { index: json["index"], tables: json["tables"], changes: json["changes"].map(toChange) }
}

/** The state after a step; events are not kept, as real Nomad doesn't keep them. */
export const withStep = (state: NomadState, stored: StoredStep): NomadState => {
  let next: NomadState = { ...state, index: stored.index, tableIndex: stored.tables }
  for (const change of stored.changes) next = withChange(next, change)
  return next
}

/** The whole state as steps that rebuild it, some rows at a time. */
export function* stepsOf(state: NomadState): Generator<StoredStep> {
  const base = { index: state.index, tables: state.tableIndex }
  for (const change of rowsOf(state)) yield { ...base, changes: [change] }
  yield { ...base, changes: [] }
}

function* rowsOf(state: NomadState): Generator<Change> {
  for (const [key, value] of state.jobs) yield { table: "job", key, value }
  for (const [key, value] of state.versions) yield { table: "versions", key, value }
  for (const [key, value] of state.allocations) yield { table: "allocation", key, value }
  for (const [key, value] of state.evaluations) yield { table: "evaluation", key, value }
  for (const [key, value] of state.nodes) yield { table: "node", key, value }
}

const withChange = (state: NomadState, change: Change): NomadState => {
  switch (change.table) {
    case "job":
      return { ...state, jobs: set(state.jobs, change.key, change.value) }
    case "versions":
      return { ...state, versions: set(state.versions, change.key, change.value) }
    case "node":
      return { ...state, nodes: set(state.nodes, change.key, change.value) }
    case "allocation":
      return withAllocationRow(state, change.key, change.value)
    case "evaluation":
      return withEvaluation(state, change.key, change.value)
  }
}

const withAllocationRow = (state: NomadState, id: string, value: Allocation | null): NomadState =>
  value !== null
    ? withAllocation(state, value)
    : Option.match(HashMap.get(state.allocations, id), {
        onNone: () => state,
        onSome: (row) => withoutAllocation(state, row)
      })

const withEvaluation = (state: NomadState, id: string, value: Evaluation | null): NomadState => {
  const row = value ?? Option.getOrNull(HashMap.get(state.evaluations, id))
  if (row === null) return state
  return {
    ...state,
    evaluations: set(state.evaluations, id, value),
    evaluationsOfJob: (value === null ? exclude : include)(state.evaluationsOfJob, row.JobID, id),
    blocked: value?.Status === "blocked" ? HashSet.add(state.blocked, id) : HashSet.remove(state.blocked, id)
  }
}

const set = <A>(rows: HashMap.HashMap<string, A>, key: string, value: A | null): HashMap.HashMap<string, A> =>
  value === null ? HashMap.remove(rows, key) : HashMap.set(rows, key, value)

const isTables = (value: unknown): value is NomadState["tableIndex"] =>
  isObject(value) && Object.keys(emptyState.tableIndex).every((table) => typeof value[table] === "number")

const toChange = (json: unknown): Change => {
  if (!isObject(json) || typeof json["key"] !== "string" || typeof json["table"] !== "string") throw new Error("no row")
  const { table, key, value } = json
  const change = readers.get(table)?.(key, value)
  if (change === undefined) throw new Error(`row ${table} ${key} cannot be understood`)
  return change
}

const readers = new Map<string, (key: string, value: unknown) => Change | undefined>([
  ["job", (key, value) => (value === null || isJob(value) ? { table: "job", key, value } : undefined)],
  ["versions", (key, value) => (value === null || isJobs(value) ? { table: "versions", key, value } : undefined)],
  [
    "allocation",
    (key, value) => (value === null || isAllocation(value) ? { table: "allocation", key, value } : undefined)
  ],
  [
    "evaluation",
    (key, value) => (value === null || isEvaluation(value) ? { table: "evaluation", key, value } : undefined)
  ],
  ["node", (key, value) => (value === null || isNode(value) ? { table: "node", key, value } : undefined)]
])

/*
 * Whether a row has what everything here relies on. The files are this server's own; the fields that are looked at tell
 * a damaged or foreign file, not every wrong value.
 */

const has = (value: unknown, strings: ReadonlyArray<string>, numbers: ReadonlyArray<string>): boolean =>
  isObject(value) &&
  strings.every((field) => typeof value[field] === "string") &&
  numbers.every((field) => typeof value[field] === "number")

const isJob = (value: unknown): value is StoredJob =>
  has(value, ["ID", "Name", "Type", "Status", "Namespace"], ["Version", "CreateIndex", "ModifyIndex", "JobModifyIndex"])

const isJobs = (value: unknown): value is ReadonlyArray<StoredJob> => Array.isArray(value) && value.every(isJob)

const isAllocation = (value: unknown): value is Allocation =>
  has(
    value,
    ["ID", "JobID", "NodeID", "TaskGroup", "ClientStatus", "DesiredStatus", "EvalID"],
    ["CreateIndex", "ModifyIndex", "AllocModifyIndex"]
  ) &&
  isObject(value) &&
  isJob(value["Job"])

const isEvaluation = (value: unknown): value is Evaluation =>
  has(value, ["ID", "JobID", "Status", "TriggeredBy", "Type"], ["CreateIndex", "ModifyIndex"])

const isNode = (value: unknown): value is NomadNode =>
  has(value, ["ID", "Name", "Datacenter", "Status"], ["Cpu", "MemoryMB", "DiskMB", "CreateIndex", "ModifyIndex"])
