import { HashMap, Option } from "effect"
import { allocationStub, allocationView } from "../machine/allocationView.ts"
import { jobStub, jobSummary } from "../machine/jobView.ts"
import {
  type Allocation,
  allocationsOfJob,
  type Evaluation,
  evaluationsOfJob,
  type NomadState
} from "../machine/NomadState.ts"
import { nodeStub, nodeView } from "../machine/nodeView.ts"
import { topics } from "./NomadEngine.ts"
import type { Found, Read } from "./NomadRequest.ts"

export type { Read }

/** What can be read, each with what wakes a query that waits for it. Nothing is found outside the one namespace. */

export const jobs = (prefix: string, withMeta: boolean): Read => ({
  topics: [topics.jobs],
  missing: "",
  find: (state) => ofTable(state.jobs, prefix, state.tableIndex.jobs, (row) => jobStub(state, row, withMeta))
})

export const job = (id: string): Read => ({
  topics: [topics.job(id)],
  missing: "job not found",
  find: (state) => ofRow(Option.getOrUndefined(HashMap.get(state.jobs, id)), state.tableIndex.jobs, (row) => row)
})

export const summary = (id: string): Read => ({
  topics: [topics.job(id), topics.allocationsOfJob(id), topics.evaluationsOfJob(id)],
  missing: "job not found",
  find: (state) => {
    const row = Option.getOrUndefined(HashMap.get(state.jobs, id))
    const value = row === undefined ? undefined : jobSummary(state, row)
    return { index: value?.ModifyIndex ?? state.tableIndex.jobs, value }
  }
})

export const versions = (id: string): Read => ({
  topics: [topics.job(id)],
  missing: "job versions not found",
  find: (state) => {
    const rows = Option.getOrUndefined(HashMap.get(state.versions, id))
    const index = rows?.[0]?.ModifyIndex ?? state.tableIndex.jobs
    return {
      index,
      value:
        rows === undefined
          ? undefined
          : { Diffs: null, Index: index, KnownLeader: true, LastContact: 0, NextToken: "", Versions: rows }
    }
  }
})

export const allocationsOf = (jobId: string, all: boolean, resources: boolean): Read => ({
  topics: [topics.allocationsOfJob(jobId)],
  missing: "",
  find: (state) => {
    const present = Option.getOrUndefined(HashMap.get(state.jobs, jobId))
    const rows = allocationsOfJob(state, jobId).filter(
      (row) => all || present === undefined || row.Job.CreateIndex === present.CreateIndex
    )
    return ofRows(rows, state.tableIndex.allocs, (row) => allocationStub(row, resources))
  }
})

export const evaluationsOf = (jobId: string): Read => ({
  topics: [topics.evaluationsOfJob(jobId)],
  missing: "",
  find: (state) => ofRows(evaluationsOfJob(state, jobId), state.tableIndex.evals, (row) => row)
})

export const allocations = (prefix: string, resources: boolean): Read => ({
  topics: [topics.allocations],
  missing: "",
  find: (state) => ofTable(state.allocations, prefix, state.tableIndex.allocs, (row) => allocationStub(row, resources))
})

export const allocation = (id: string): Read => ({
  topics: [topics.allocation(id)],
  missing: "alloc not found",
  find: (state) =>
    ofRow(Option.getOrUndefined(HashMap.get(state.allocations, id)), state.tableIndex.allocs, allocationView)
})

export const evaluations = (prefix: string): Read => ({
  topics: [topics.evaluations],
  missing: "",
  find: (state) => ofTable(state.evaluations, prefix, state.tableIndex.evals, (row) => row)
})

export const evaluation = (id: string): Read => ({
  topics: [topics.evaluation(id)],
  missing: "eval not found",
  find: (state) =>
    ofRow(Option.getOrUndefined(HashMap.get(state.evaluations, id)), state.tableIndex.evals, (row) => row)
})

export const allocationsOfEvaluation = (id: string): Read => ({
  topics: [topics.allocations],
  missing: "",
  find: (state) => {
    const rows = [...HashMap.values(state.allocations)].filter((row) => row.EvalID === id)
    return ofRows(rows, state.tableIndex.allocs, (row) => allocationStub(row, false))
  }
})

export const nodes = (prefix: string): Read => ({
  topics: [topics.nodes],
  missing: "",
  find: (state) => ofTable(state.nodes, prefix, state.tableIndex.nodes, nodeStub)
})

export const node = (id: string): Read => ({
  topics: [topics.node(id)],
  missing: "node not found",
  find: (state) => ofRow(Option.getOrUndefined(HashMap.get(state.nodes, id)), state.tableIndex.nodes, nodeView)
})

export const allocationsOfNode = (id: string): Read => ({
  topics: [topics.allocations],
  missing: "",
  find: (state: NomadState) => {
    const rows = [...HashMap.values(state.allocations)].filter((row) => row.NodeID === id)
    return ofRows(rows, state.tableIndex.allocs, allocationView)
  }
})

/** One row has the index of its own change; a missing one that of its table. */
const ofRow = <A extends { readonly ModifyIndex: number }>(
  row: A | undefined,
  tableIndex: number,
  view: (row: A) => unknown
): Found => (row === undefined ? { index: tableIndex, value: undefined } : { index: row.ModifyIndex, value: view(row) })

/** The rows of one job have the index of the newest; none have that of the table. */
const ofRows = <A extends Allocation | Evaluation>(
  rows: ReadonlyArray<A>,
  tableIndex: number,
  view: (row: A) => unknown
): Found => ({
  index: rows.length === 0 ? tableIndex : Math.max(...rows.map((row) => row.ModifyIndex)),
  value: rows.toSorted(byId).map(view)
})

/** A list has the index of its table, and wakes only for rows in it. */
const ofTable = <A extends { readonly ID: string; readonly ModifyIndex: number }>(
  table: HashMap.HashMap<string, A>,
  prefix: string,
  index: number,
  view: (row: A) => unknown
): Found => {
  const rows = [...HashMap.values(table)].filter((row) => row.ID.startsWith(prefix))
  return {
    index,
    value: rows.toSorted(byId).map(view),
    fingerprint: `${rows.length} ${Math.max(0, ...rows.map((row) => row.ModifyIndex))}`
  }
}

const byId = (a: { readonly ID: string }, b: { readonly ID: string }): number => (a.ID < b.ID ? -1 : 1)

/** What there is never anything of. */
export const nothing = (value: unknown): Read => ({
  topics: [],
  missing: "",
  find: (state) => ({ index: state.index, value })
})
