import { Option, Schema } from "effect"
import { Timestamp } from "./Status.ts"

/**
 * A job as the ancestor of this service kept it, in one JSON value with all of its logs. What it wrote into its history is
 * the same with fewer members. Go writes `null` for a list that has nothing, and times in the zone of its machine.
 */
export interface LegacyJob {
  readonly id: string
  readonly config: Readonly<Record<string, unknown>>
  readonly status: LegacyJobStatus
  readonly error: string
  /** Empty where none failed. */
  readonly failedPhase: string
  readonly createdAt: number
  /** When anything was written about it last, as far as it says. */
  readonly updatedAt: number
  readonly finishedAt: number | undefined
  /** Nanoseconds; 0 where it is not told. */
  readonly duration: number
  readonly metrics: LegacyMetrics
  /** Ids of its Nomad jobs. */
  readonly nomadJobs: ReadonlyArray<string>
  readonly logs: Readonly<Record<"build" | "test" | "publish", ReadonlyArray<string>>>
}

const LegacyJobStatus = Schema.Literal(
  "PENDING",
  "BUILDING",
  "TESTING",
  "TESTING_EXTERNAL",
  "PUBLISHING",
  "SUCCEEDED",
  "FAILED"
)
type LegacyJobStatus = typeof LegacyJobStatus.Type

const nullish = <A, I>(schema: Schema.Schema<A, I>) => Schema.optional(Schema.NullOr(schema))

const text = nullish(Schema.String)
const lines = nullish(Schema.Array(Schema.String))

/** A moment in RFC 3339, with up to nine digits of a second. Go's zero time stands for none. */
const Moment = Schema.transform(Timestamp, Schema.UndefinedOr(Schema.Number), {
  strict: true,
  decode: (time) => (time > 0 ? time : undefined),
  encode: (time) => time ?? 0
})

const milestone = nullish(Moment)

const Metrics = Schema.Struct({
  job_start: milestone,
  build_start: milestone,
  build_end: milestone,
  test_start: milestone,
  test_end: milestone,
  publish_start: milestone,
  publish_end: milestone,
  job_end: milestone
})
type Metrics = typeof Metrics.Type

/** Milliseconds since the epoch. */
export type LegacyMetrics = { readonly [name in keyof Metrics]?: number }

const Logs = Schema.Struct({ build: lines, test: lines, publish: lines })

const Written = Schema.parseJson(
  Schema.Struct({
    id: Schema.String,
    config: Schema.Record({ key: Schema.String, value: Schema.Unknown }),
    status: LegacyJobStatus,
    created_at: Moment,
    updated_at: milestone,
    finished_at: milestone,
    failed_phase: text,
    error: text,
    build_job_id: text,
    test_job_ids: lines,
    test_job_nomad_id: text,
    publish_job_id: text,
    logs: nullish(Logs),
    metrics: nullish(Metrics),
    duration: nullish(Schema.Number)
  })
)

const decode = Schema.decodeUnknownOption(Written)

/** None for a value that the ancestor never wrote, or that names no time at all. */
export const parseLegacyJob = (json: string): Option.Option<LegacyJob> =>
  Option.flatMap(decode(json), (job) =>
    Option.map(Option.fromNullable(job.created_at ?? job.updated_at), (createdAt) => ({
      id: job.id,
      config: job.config,
      status: job.status,
      error: job.error ?? "",
      failedPhase: job.failed_phase ?? "",
      createdAt,
      updatedAt: job.updated_at ?? createdAt,
      finishedAt: job.finished_at ?? undefined,
      duration: job.duration ?? 0,
      metrics: metricsOf(job.metrics ?? {}),
      nomadJobs: nomadJobsOf(job),
      logs: logsOf(job.logs ?? {})
    }))
  )

const logsOf = ({ build, publish, test }: typeof Logs.Type): LegacyJob["logs"] => ({
  build: build ?? [],
  test: test ?? [],
  publish: publish ?? []
})

const nomadJobsOf = (job: typeof Written.Type): ReadonlyArray<string> =>
  [job.build_job_id, ...(job.test_job_ids ?? []), job.test_job_nomad_id, job.publish_job_id].flatMap((id) =>
    id === undefined || id === null || id === "" ? [] : [id]
  )

const milestones = [
  "job_start",
  "build_start",
  "build_end",
  "test_start",
  "test_end",
  "publish_start",
  "publish_end",
  "job_end"
] as const

const metricsOf = (metrics: Metrics): LegacyMetrics =>
  Object.fromEntries(
    milestones.flatMap((name) => {
      const at = metrics[name]
      return at === undefined || at === null ? [] : [[name, at]]
    })
  )
