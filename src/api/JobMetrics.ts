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
    max_cpu: Schema.Number.annotations({ description: "Thousandths of a core, averaged over the step." }),
    max_memory: Schema.Number.annotations({ description: "MB, the most that the step's container had at a time." }),
    disk_used: Schema.Number.annotations({ description: "MB in the step's folder at its end." })
  }).annotations({
    description:
      "The most that one build or publish step has used, by its container's cgroup. 0 for what the kernel doesn't tell, for steps that were stopped, and as long as none has ended; tests are not measured."
  })
}).annotations({ identifier: "JobMetrics" })
export type JobMetrics = typeof JobMetrics.Type
