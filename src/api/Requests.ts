import { Predicate, Schema } from "effect"
import { JobStatus } from "../domain/Status.ts"
import type { RecordFields } from "../domain/RecordFields.ts"

/** Client-side the id is escaped: the name of a record may hold `/`. A router has undone that before it is read here. */
const PathId = Schema.transform(Schema.String, Schema.String, {
  strict: true,
  decode: (id) => id,
  encode: (id) => encodeURIComponent(id)
}).annotations({ description: "The job's id, or its record's name (then / is %2F)." })

export const ById = Schema.Struct({ id: PathId })

const JobId = Schema.propertySignature(
  Schema.String.pipe(
    Schema.filter((id) => id.trim() !== "" || "is required", { jsonSchema: { minLength: 1 } }),
    Schema.annotations({ description: "The job's id, or its record's name." })
  )
).annotations({ missingMessage: () => "is required" })

export const JobRef = Schema.Struct({ job_id: JobId }).annotations({ identifier: "JobRef" })

/** `BuildJob` as JSON: what a submission says, with or without the `job_config` around it. */
export type JobInput = typeof RecordFields.Encoded

/** The rules are `BuildJob`'s own, and one decoder's for every interface: here only the shape is named. */
export const Submission = Schema.declare(
  (input): input is { readonly job_config: JobInput } => Predicate.isRecord(input),
  {
    identifier: "Submission",
    jsonSchema: { $ref: "#/components/schemas/BuildJobRecord" }
  }
)

export const IdempotencyKey = Schema.Struct({
  "idempotency-key": Schema.optional(
    Schema.String.annotations({
      description: "1 to 255 printable characters. The same key and configuration make one job, for a day.",
      jsonSchema: { type: "string", minLength: 1, maxLength: 255 }
    })
  )
})

export const Wait = Schema.Struct({
  wait: Schema.optional(
    Schema.String.annotations({
      description:
        "Answer once the job's index is above `index`, at the latest after this: 60s, 5m, or seconds; at most 10m."
    })
  ),
  index: Schema.optional(Schema.String.annotations({ description: "The index of an earlier answer." }))
})

export const CleanupRequest = Schema.Struct({
  job_id: Schema.optional(Schema.String),
  all: Schema.optional(Schema.Boolean)
}).annotations({ identifier: "CleanupRequest" })

export const HistoryRequest = Schema.Struct({
  limit: Schema.optional(Schema.Int.annotations({ description: "50 where it is missing, 0 or less; at most 1000." })),
  offset: Schema.optional(Schema.Int),
  owner: Schema.optional(Schema.String),
  status: Schema.optional(Schema.Union(JobStatus, Schema.Array(JobStatus)))
}).annotations({ identifier: "HistoryRequest" })

const WholeNumber = Schema.NumberFromString.pipe(
  Schema.int(),
  Schema.annotations({ message: () => ({ message: "must be a whole number", override: true }) })
)

/** The same in a query string. */
export const ListParameters = Schema.Struct({
  limit: Schema.optional(WholeNumber),
  offset: Schema.optional(WholeNumber),
  owner: Schema.optional(Schema.String),
  status: Schema.optional(Schema.String.annotations({ description: "One or several statuses, parted by commas." }))
})

/** Which lines of a job's logs. All narrow the answer; their rules are one decoder's for every interface. */
const logFilters = <A, I>(value: Schema.Schema<A, I>) => {
  const filter = (description: string) => Schema.optional(value.annotations({ description }))
  return {
    phase: filter("build, test or publish; anything else is no filter."),
    attempt: filter("The number of an attempt, or last: of each step the newest."),
    test: filter("The position of a test's command in the configuration, or entry-point."),
    stream: filter("stdout or stderr."),
    tail: filter("So many last lines of each phase."),
    head: filter("So many first lines of each phase."),
    grep: filter("Only lines that have this text in them, as it stands."),
    since: filter("Only attempts that ran at this time or later: 2026-01-31T09:30:00Z, or 10m before now.")
  }
}

export const LogFilters = Schema.Struct(logFilters(Schema.String))
export type LogFilters = typeof LogFilters.Type

export const LogsRequest = Schema.Struct({
  job_id: JobId,
  ...logFilters(Schema.NullOr(Schema.Union(Schema.String, Schema.Number)))
}).annotations({ identifier: "LogsRequest" })
