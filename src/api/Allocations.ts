import { Schema } from "effect"
import { WireTime } from "./WireTime.ts"

const TaskState = Schema.Struct({
  state: Schema.String,
  failed: Schema.Boolean,
  last_event: Schema.String,
  last_message: Schema.String
})

const Allocation = Schema.Struct({
  id: Schema.String.annotations({ description: "The first 8 characters of full_id." }),
  full_id: Schema.String,
  client_status: Schema.Literal("pending", "running", "complete", "failed"),
  desired_status: Schema.Literal("run", "stop"),
  node_id: Schema.String.annotations({
    description: "Nomad's id of the node; empty where it was placed before the service kept it."
  }),
  node_name: Schema.String,
  created_at: WireTime,
  modified_at: WireTime,
  failed_reason: Schema.optional(Schema.String),
  task_states: Schema.optional(Schema.Record({ key: Schema.String, value: TaskState }))
})

/** What runs, or ran, of one step in Nomad. */
export const StepAllocations = Schema.Struct({
  phase: Schema.Literal("build", "test", "publish"),
  nomad_job_id: Schema.String,
  allocation_count: Schema.Int,
  allocations: Schema.Array(Allocation),
  has_warning: Schema.Boolean,
  warning_message: Schema.optional(Schema.String)
}).annotations({ identifier: "StepAllocations" })
export type StepAllocations = typeof StepAllocations.Type

/** The newest attempt of each step; the earlier ones are in `attempts`. */
export const Allocations = Schema.Struct({
  build: Schema.optional(StepAllocations),
  test: Schema.Array(StepAllocations),
  publish: Schema.optional(StepAllocations),
  has_any_warning: Schema.Boolean
}).annotations({ identifier: "Allocations" })
export type Allocations = typeof Allocations.Type
