import { Schema } from "effect"
import { Nanoseconds } from "./NomadTime.ts"
import { count, flag, listOf, recordOf, text } from "./optionalFields.ts"

const meta = recordOf(Schema.String)

/** Only whether Nomad gets it a Vault token. */
const Task = Schema.Struct({
  Name: text,
  Vault: Schema.optionalWith(Schema.NullOr(Schema.Struct({ Role: text })), { default: () => null })
})

/** A job as Nomad holds it, under Nomad's own names, reduced to what this product reads. */
export const Job = Schema.Struct({
  ID: Schema.String,
  Name: text,
  Namespace: text,
  Type: text,
  /** `pending`, `running` or `dead`. It says nothing about whether a task has ended: a stopped job is `dead` at once. */
  Status: text,
  StatusDescription: text,
  Stop: flag,
  /** Counts the changes of the specification; a stop is one of them. */
  Version: count,
  Meta: meta,
  TaskGroups: listOf(Schema.Struct({ Tasks: listOf(Task) })),
  CreateIndex: count,
  ModifyIndex: count,
  JobModifyIndex: count,
  /** Milliseconds. */
  SubmitTime: Nanoseconds
})
export type Job = typeof Job.Type

/** A job in a list. */
export const JobStub = Schema.Struct({
  ID: Schema.String,
  Name: text,
  Namespace: text,
  Type: text,
  Status: text,
  Stop: flag,
  /** Empty before Nomad 1.4, which keeps it to the single job's answer. */
  Meta: meta,
  CreateIndex: count,
  ModifyIndex: count,
  JobModifyIndex: count,
  /** Milliseconds. */
  SubmitTime: Nanoseconds
})
export type JobStub = typeof JobStub.Type
