import type { JobMetrics } from "../api/JobMetrics.ts"
import { wireTime } from "../api/WireTime.ts"
import type { Status } from "../domain/Status.ts"

/** When the job's phases began and ended. A phase that isn't over, like a job that isn't, has taken no time yet. */
export const metricsOf = ({ times }: Pick<Status, "times">): JobMetrics => ({
  ...Object.fromEntries(
    Object.entries(times).flatMap(([name, at]) => (at === undefined ? [] : [[name, wireTime(at)] as const]))
  ),
  build_duration: nanosBetween(times.build_start, times.build_end),
  test_duration: nanosBetween(times.test_start, times.test_end),
  publish_duration: nanosBetween(times.publish_start, times.publish_end),
  total_duration: nanosBetween(times.job_start, times.job_end),
  resource_usage: { max_cpu: 0, max_memory: 0, disk_used: 0 }
})

const nanosBetween = (start: number | undefined, end: number | undefined): number =>
  start === undefined || end === undefined ? 0 : Math.max(0, end - start) * 1_000_000
