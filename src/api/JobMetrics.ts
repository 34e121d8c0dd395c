import { Schema } from "effect"
import { Nanoseconds, WireTime } from "./WireTime.ts"

const Time = Schema.optional(WireTime)

/** When a job's phases began and ended, and how long they took. */
export const JobMetrics = Schema.Struct({
  job_start: Time,
  build_start: Time,
  build_end: Time,
  test_start: Time,
  test_end: Time,
  publish_start: Time,
  publish_end: Time,
  job_end: Time,
  build_duration: Nanoseconds,
  test_duration: Nanoseconds,
  publish_duration: Nanoseconds,
  total_duration: Nanoseconds,
  resource_usage: Schema.Struct({
    max_cpu: Schema.Number,
    max_memory: Schema.Number,
    disk_used: Schema.Number
  }).annotations({ description: "Not measured: always zeros." })
}).annotations({ identifier: "JobMetrics" })
export type JobMetrics = typeof JobMetrics.Type
