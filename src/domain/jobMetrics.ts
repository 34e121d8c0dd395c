import { isTerminal, type JobPhase, type Status, type Times, type Usage } from "./Status.ts"

/** A run's milestones and durations as the interface and the webhooks tell them: UTC texts, and nanoseconds. */
export const jobMetrics = ({ attempts, status, times }: Pick<Status, "attempts" | "status" | "times">) => ({
  ...milestones(times),
  build_duration: duration(times, "build"),
  test_duration: duration(times, "test"),
  publish_duration: duration(times, "publish"),
  total_duration: isTerminal(status) ? between(times.job_start, times.job_end) : 0,
  resource_usage: {
    max_cpu: most(attempts, "cpu"),
    max_memory: most(attempts, "memory"),
    disk_used: most(attempts, "disk")
  }
})

/** Of all tries of build and publish: a test's container runs what the user wants, and measures nothing. */
const most = (attempts: Status["attempts"], what: keyof Usage): number =>
  Math.max(0, ...attempts.map(({ outcome, phase }) => (phase === "cleanup" ? 0 : (outcome?.usage?.[what] ?? 0))))

type Milestone = keyof Times

const milestones = (times: Times): { readonly [name in Milestone]?: string } =>
  Object.fromEntries(
    names.flatMap((name) => {
      const at = times[name]
      return at === undefined ? [] : [[name, new Date(at).toISOString()]]
    })
  )

const names: ReadonlyArray<Milestone> = [
  "job_start",
  "build_start",
  "build_end",
  "test_start",
  "test_end",
  "publish_start",
  "publish_end",
  "job_end"
]

const duration = (times: Times, phase: JobPhase): number => between(times[`${phase}_start`], times[`${phase}_end`])

/** Nanoseconds; 0 as long as there is no end. */
const between = (start: number | undefined, end: number | undefined): number =>
  start === undefined || end === undefined ? 0 : Math.max(0, end - start) * 1_000_000
