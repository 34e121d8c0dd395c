import { Schema } from "effect"
import { Nanoseconds } from "./NomadTime.ts"
import { count, listOf, recordOf, text } from "./optionalFields.ts"

const counts = recordOf(Schema.Number)

/** Why one task group found no place. */
export const FailedPlacement = Schema.Struct({
  NodesEvaluated: count,
  NodesFiltered: count,
  NodesExhausted: count,
  /** Nodes by datacenter. */
  NodesAvailable: counts,
  /** Nodes by the constraint that ruled them out: `${attr.kernel.name} = plan9`, `missing drivers`, … */
  ConstraintFiltered: counts,
  ClassFiltered: counts,
  /** Nodes by what they had too little of: `memory`, `cpu`, `disk`, … */
  DimensionExhausted: counts,
  ClassExhausted: counts,
  QuotaExhausted: listOf(Schema.String)
})
export type FailedPlacement = typeof FailedPlacement.Type

/** One decision of Nomad's scheduler about a job, under Nomad's own names, reduced to what this product reads. */
export const Evaluation = Schema.Struct({
  ID: Schema.String,
  JobID: text,
  JobModifyIndex: count,
  /** `pending`, `complete`, `blocked`, `canceled` or `failed`. `complete` doesn't say that everything found a place. */
  Status: text,
  StatusDescription: text,
  /** `job-register`, `queued-allocs`, `alloc-failure`, `job-deregister`, `node-update`, … */
  TriggeredBy: text,
  /** By task group; empty when everything was placed. */
  FailedTGAllocs: recordOf(FailedPlacement),
  /** The evaluation that waits for room, or empty. */
  BlockedEval: text,
  PreviousEval: text,
  QueuedAllocations: counts,
  CreateIndex: count,
  ModifyIndex: count,
  /** Milliseconds. */
  CreateTime: Nanoseconds
})
export type Evaluation = typeof Evaluation.Type
