import { Clock, Duration, Effect, Option, type Scope } from "effect"
import { resolveJob } from "../domain/resolve.ts"
import { isTerminal, type JobPhase, type JobStatus, type Status, type Times } from "../domain/Status.ts"
import { family } from "../metrics/families.ts"
import { Metrics, type Recorder } from "../metrics/Metrics.ts"
import { JobArchive } from "../store/JobArchive.ts"
import type { Settings } from "../store/Settings.ts"
import { makeSuccessRate, type SuccessRate } from "./SuccessRate.ts"

/**
 * Turns what the leader reads and writes into the metrics of jobs.
 *
 * A transition counts when a status shows it that the one before did not, so a pass that is made again counts nothing, and
 * a write whose answer was lost counts when it is read. What a term finds when it begins was counted by the one before:
 * it fills the gauges and leaves the counters alone.
 */
export interface JobMeter {
  /** What was there before this term. */
  readonly known: (status: Status) => void
  /** Before a job is brought back from the archive, by its id: it was counted when it ended. */
  readonly comesBack: (jobId: string) => void
  /** A status that was read or written. Of a name that nobody knew it is the first. */
  readonly saw: (status: Status) => void
  readonly forget: (name: string) => void
}

/** Of one term of office; what it shows ends with the scope. */
export const makeJobMeter = Effect.fnUntraced(function* (
  settings: Effect.Effect<Settings>
): Effect.fn.Return<JobMeter, never, JobArchive | Scope.Scope> {
  const metrics = yield* Metrics
  if (!metrics.enabled) return blind
  const counted = new Map<string, Seen>()
  const open = new Map<string, Status>()
  const back = new Set<string>()
  const rate = makeSuccessRate(metrics.ownerLabel)

  yield* metrics.beforeScrape(
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const { policy } = yield* settings
      const jobs = [...open.values()]
      const age = jobs.reduce((most, { updated_at }) => Math.max(most, now - updated_at), 0)
      metrics.set(family.oldestUnprogressed, {}, age / 1000)
      metrics.set(family.concurrentJobs, {}, jobs.filter(({ attempts }) => attempts.length > 0).length)
      showResources(metrics, jobs, policy)
      showRates(metrics, rate, now)
    })
  )
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      metrics.set(family.oldestUnprogressed, {}, 0)
      metrics.set(family.concurrentJobs, {}, 0)
      metrics.clear(family.resourceUsage)
      metrics.clear(family.successRate)
    })
  )
  yield* Effect.forkScoped(recall(rate))

  const keep = (status: Status, isRated: boolean) => {
    const { generation, job_id, name, times } = status
    const isOver = isTerminal(status.status)
    counted.set(name, { generation, job_id, status: status.status, times, rated: isRated || isOver })
    if (isOver) open.delete(name)
    else open.set(name, status)
    if (!isRated) rate.note(status)
  }

  return {
    known: (status) => {
      if (!counted.has(status.name)) keep(status, false)
    },
    comesBack: (jobId) => {
      // Those that are in no archive never come.
      if (back.size >= mostBack) back.clear()
      back.add(jobId)
    },
    saw: (status) => {
      const before = counted.get(status.name)
      // The same status once more: most passes find nothing new.
      if (
        before?.times === status.times &&
        open.get(status.name) === (isTerminal(status.status) ? undefined : status)
      ) {
        return
      }
      const cameBack = before === undefined && back.delete(status.job_id ?? "")
      const same = sameRun(before, status) ? before : undefined
      keep(status, cameBack || same?.rated === true)
      if (!cameBack) count(metrics, same, status)
    },
    forget: (name) => {
      counted.delete(name)
      open.delete(name)
    }
  }
})

/** What must be remembered of a status so that its successor is told apart from it. */
type Seen = Pick<Status, "generation" | "job_id" | "status" | "times"> & {
  /** Whether its run has ended once, and so is part of the rates. */
  readonly rated: boolean
}

const mostBack = 1000

const blind: JobMeter = { known: () => {}, comesBack: () => {}, saw: () => {}, forget: () => {} }

/** A run has its own id; a record that was refused has none, and each of its changes is another refusal. */
const sameRun = (before: Seen | undefined, after: Status): boolean =>
  before !== undefined &&
  before.job_id === after.job_id &&
  (after.job_id !== undefined || before.generation === after.generation)

/** What of a job's way is in `after` and was not in `before`, an earlier status of the same run. */
const count = (metrics: Recorder, before: Seen | undefined, after: Status): void => {
  const owner = after.config?.owner ?? ""
  const enter = (status: JobStatus, phase: JobPhase | "none") =>
    metrics.add(family.totalJobs, { status: status.toLowerCase(), phase, owner })
  if (before === undefined) enter("PENDING", "none")
  if (after.status !== (before?.status ?? "PENDING")) enter(after.status, phaseOf(after))
  countPhases(metrics, before?.times ?? {}, after)
  if (before?.times.build_start === undefined) countQueue(metrics, after.times)
}

const countQueue = (metrics: Recorder, { build_start: begun, job_start: start }: Times): void => {
  if (begun !== undefined && start !== undefined) {
    metrics.observe(family.queueSeconds, {}, Math.max(0, begun - start) / 1000)
  }
}

const countPhases = (metrics: Recorder, before: Times, { config, failed_phase, times }: Status): void => {
  for (const phase of ["build", "test", "publish"] as const) {
    const seconds = durationOf(times, phase)
    if (seconds === undefined || durationOf(before, phase) !== undefined) continue
    const status = failed_phase === phase ? "failed" : "succeeded"
    metrics.observe(durations[phase], { status, owner: config?.owner ?? "" }, seconds)
  }
}

const durations = {
  build: family.buildDuration,
  test: family.testDuration,
  publish: family.publishDuration
} as const

const phaseOf = ({ failed_phase, phase, status }: Status): JobPhase | "none" =>
  status === "SUCCEEDED" ? "publish" : (failed_phase ?? phase ?? "none")

/** Seconds of a phase that is over. */
const durationOf = (times: Times, phase: JobPhase): number | undefined => {
  const start = times[`${phase}_start`]
  const end = times[`${phase}_end`]
  return start === undefined || end === undefined ? undefined : Math.max(0, end - start) / 1000
}

/** Jobs that have series of their own. */
const shownJobs = 100

const showResources = (metrics: Recorder, open: ReadonlyArray<Status>, policy: Settings["policy"]): void => {
  metrics.clear(family.resourceUsage)
  const oldest = open
    .toSorted((a, b) => (a.times.job_start ?? a.updated_at) - (b.times.job_start ?? b.updated_at))
    .slice(0, shownJobs)
  for (const { attempts, config, job_id: jobId } of oldest) {
    if (config === undefined || jobId === undefined) continue
    const { resources } = resolveJob(config, policy.defaults)
    for (const phase of ["build", "test", "publish"] as const) {
      const running = attempts.filter(
        (attempt) => attempt.phase === phase && attempt.started_at !== undefined && attempt.outcome === undefined
      ).length
      if (running === 0) continue
      for (const type of ["cpu", "memory", "disk"] as const) {
        metrics.set(
          family.resourceUsage,
          { resource_type: type, job_id: jobId, phase },
          running * resources[phase][type]
        )
      }
    }
  }
}

const windows = { "1h": Duration.hours(1), "24h": Duration.hours(24) } as const

const showRates = (metrics: Recorder, rate: SuccessRate, now: number): void => {
  metrics.clear(family.successRate)
  for (const [window, length] of Object.entries(windows)) {
    for (const [owner, value] of rate.within(Duration.toMillis(length), now)) {
      metrics.set(family.successRate, { window, owner }, value)
    }
  }
}

/** Archived jobs that are read for the rates of a new leader. */
const recalled = 2000

/** What ended before this term and lies in the archive: a new leader's rates would else begin with nothing. */
const recall = Effect.fnUntraced(function* (rate: SuccessRate) {
  const archive = yield* JobArchive
  const now = yield* Clock.currentTimeMillis
  const refs = yield* Effect.option(archive.index)
  const recent = Option.getOrElse(refs, () => []).filter(
    ({ endedAt }) => now - endedAt < Duration.toMillis(windows["24h"])
  )
  yield* Effect.forEach(
    recent.slice(0, recalled),
    ({ name }) =>
      Effect.flatMap(Effect.option(archive.get(name)), (found) =>
        Effect.sync(() => Option.map(Option.flatten(found), ({ status }) => rate.note(status)))
      ),
    { concurrency: 2, discard: true }
  )
  rate.distinct()
})
