import { Schema } from "effect"
import { Nanoseconds, Timestamp } from "./NomadTime.ts"
import { count, flag, listOf, recordOf, text } from "./optionalFields.ts"

/** One thing that happened to a task, as the client that runs it tells it. */
export const TaskEvent = Schema.Struct({
  /** `Received`, `Started`, `Terminated`, `Killing`, `Driver Failure`, … */
  Type: text,
  /** Milliseconds. */
  Time: Nanoseconds,
  DisplayMessage: text,
  /** All values are strings: `exit_code`, `signal`, `oom_killed`, `exit_message`, `fails_task`, … */
  Details: recordOf(Schema.String)
})
export type TaskEvent = typeof TaskEvent.Type

export const TaskState = Schema.Struct({
  /** `pending`, `running` or `dead`. */
  State: text,
  Failed: flag,
  Restarts: count,
  /** Milliseconds; none until the task has started, and for one that never did. */
  StartedAt: Timestamp,
  /** Milliseconds. */
  FinishedAt: Timestamp,
  /** The oldest first. Nomad keeps the last ten. */
  Events: listOf(TaskEvent)
})
export type TaskState = typeof TaskState.Type

const fields = {
  ID: Schema.String,
  EvalID: text,
  Name: text,
  Namespace: text,
  NodeID: text,
  NodeName: text,
  JobID: text,
  TaskGroup: text,
  /** What the servers want: `run`, `stop` or `evict`. */
  DesiredStatus: text,
  DesiredDescription: text,
  /** What the client tells: `pending`, `running`, `complete`, `failed`, `lost`, `unknown`. */
  ClientStatus: text,
  ClientDescription: text,
  /** Empty right after the placement. */
  TaskStates: recordOf(TaskState),
  /** The evaluation that will place it anew, or empty. */
  FollowupEvalID: text,
  /** The allocation that replaced it, or empty; Nomad 1.1's list leaves it out. */
  NextAllocation: text,
  CreateIndex: count,
  ModifyIndex: count,
  /** Milliseconds. */
  CreateTime: Nanoseconds,
  /** Milliseconds. */
  ModifyTime: Nanoseconds
}

/** One placement of a job on a node, under Nomad's own names, reduced to what this product reads. */
export const Allocation = Schema.transform(
  Schema.Struct({
    ...fields,
    JobVersion: Schema.optionalWith(Schema.Number, { nullable: true }),
    Job: Schema.optionalWith(Schema.Struct({ Version: count }), { nullable: true })
  }),
  Schema.typeSchema(
    Schema.Struct({
      ...fields,
      /** The version of the job that it was made for. A list has it in itself, a single allocation in its job. */
      JobVersion: Schema.Number
    })
  ),
  {
    strict: true,
    decode: ({ Job, ...allocation }) => ({ ...allocation, JobVersion: allocation.JobVersion ?? Job?.Version ?? 0 }),
    encode: (allocation) => allocation
  }
)
export type Allocation = typeof Allocation.Type

/** Whether this ClientStatus is an allocation's last: its tasks are over, or it is given up. */
export const isLastStatus = (clientStatus: string): boolean => lastStatuses.has(clientStatus)

const lastStatuses: ReadonlySet<string> = new Set(["complete", "failed", "lost"])
