import { Clock, Duration, Effect, Option, Schedule } from "effect"
import { Consul } from "../consul/Consul.ts"
import { TxnOp } from "../consul/Transaction.ts"
import { isUuid } from "../domain/childIds.ts"
import { legacyConfig } from "../domain/legacyConfig.ts"
import { type LegacyJob, parseLegacyJob } from "../domain/LegacyJob.ts"
import { isUnderWay, legacyStatus } from "../domain/legacyStatus.ts"
import type { LegacyStep } from "../domain/legacySteps.ts"
import type { ApiError } from "../http/ApiError.ts"
import type { Lease } from "../leader/LeaderLock.ts"
import { makeRedactor } from "../redaction/Redactor.ts"
import { boundLog } from "../store/BoundedLog.ts"
import { JobArchive } from "../store/JobArchive.ts"
import type { Keys } from "../store/keys.ts"
import { LogArchive } from "../store/LogArchive.ts"
import { type ReadEntry, readKeys } from "../store/readKeys.ts"
import type { WriteConflict } from "../store/Statuses.ts"

export interface TakeOver {
  readonly keys: Keys
  /** The ancestor's prefix. */
  readonly from: string
  readonly lease: Lease
}

/** What one look at the ancestor's keys came to. */
export interface TakenOver {
  readonly moved: number
  /** Of those: they were under way, and count as failed. */
  readonly broken: number
  /** Values that are no jobs of it: they stay where they are. */
  readonly unreadable: number
  /** What must be looked at again: under way until a moment ago, or changed just now. */
  readonly left: number
}

type Needs = Consul | JobArchive | LogArchive

/**
 * Moves the jobs and the history of the service's ancestor into the archive, once: a mark in the store keeps later terms of
 * office from looking again. Each job moves in one transaction, so that a crash loses none and doubles none.
 */
export const takeOver = (task: TakeOver): Effect.Effect<void, never, Needs> =>
  takeOverOnce(task).pipe(
    Effect.map(({ left }) => left === 0),
    Effect.catchAll((error) =>
      Effect.logWarning("older jobs were not taken over yet", error.message).pipe(
        Effect.annotateLogs({ prefix: task.from }),
        Effect.as(false)
      )
    ),
    Effect.repeat({ schedule: Schedule.spaced(looksEvery), until: (done) => done }),
    Effect.asVoid
  )

const looksEvery = Duration.minutes(10)

/** Milliseconds without a word of the ancestor about a job, after which it follows it no more: twice its lock's time. */
const silence = 3_600_000

/** A prefix that is this service's own: its records lie among the ancestor's jobs. */
export const isOwnPrefix = ({ from, keys }: Pick<TakeOver, "from" | "keys">): boolean => `${from}/jobs/` === keys.jobs

export const takeOverOnce = Effect.fn("takeOver")(function* (
  task: TakeOver
): Effect.fn.Return<TakenOver, ApiError, Needs> {
  const { from, keys, lease } = task
  const consul = yield* Consul
  const context = yield* Effect.context<Needs>()
  const mark = keys.takenOver(from)
  const sum = { moved: 0, broken: 0, unreadable: 0, left: 0 }
  if (Option.isSome(yield* consul.get(mark, { consistent: true }))) return sum
  const jobs = yield* namesBelow(consul, `${from}/jobs/`)
  const history = yield* namesBelow(consul, `${from}/history/`)
  // An ancestor that never was, or keys that may not be seen yet: neither costs more than these two questions.
  if (jobs.length + history.length === 0) return sum
  let failure: Option.Option<ApiError> = Option.none()
  const take = (entry: ReadEntry) =>
    Effect.suspend(() =>
      Option.isSome(failure) ? Effect.void : Effect.map(move(task, entry), (end) => count(sum, end))
    ).pipe(
      Effect.catchTag("WriteConflict", () => Effect.sync(() => count(sum, "left"))),
      Effect.catchAll((error) => Effect.sync(() => (failure = Option.some(error)))),
      Effect.asVoid,
      Effect.provide(context)
    )
  // A job that is in both has its logs in the first.
  yield* readKeys(consul, jobs, take)
  yield* readKeys(consul, history, take)
  if (Option.isSome(failure)) return yield* failure.value
  if (sum.left === 0) yield* consul.transaction([...Option.toArray(lease.fence), yield* marking(mark, sum)])
  yield* Effect.annotateLogs(Effect.logInfo("older jobs taken over"), { prefix: from, ...sum })
  return sum
})

/** A token without the right to see them is none of an ancestor's successor: most installations have had no ancestor. */
const namesBelow = (consul: Consul["Type"], prefix: string) =>
  Effect.map(consul.keys(prefix), ({ value }) => value).pipe(
    Effect.catchTag("Denied", (error) => Effect.as(Effect.logDebug("older jobs can't be seen", error.message), []))
  )

const marking = (mark: string, sum: TakenOver) =>
  Effect.map(Clock.currentTimeMillis, (now) =>
    TxnOp.Cas({ key: mark, value: JSON.stringify({ at: new Date(now).toISOString(), ...sum }), index: 0 })
  )

type End = "broken" | "left" | "moved" | "none" | "unreadable"

const count = (sum: { moved: number; broken: number; unreadable: number; left: number }, end: End): void => {
  if (end === "none") return
  sum[end] += 1
  if (end === "broken") sum.moved += 1
}

const move = Effect.fnUntraced(function* (
  task: TakeOver,
  { key, modifyIndex, value }: ReadEntry
): Effect.fn.Return<End, ApiError | WriteConflict, Needs> {
  const job = Option.filter(
    parseLegacyJob(new TextDecoder().decode(value)),
    ({ id }) => isUuid(id) && key.endsWith(`/${id}`)
  )
  if (Option.isNone(job)) return yield* unreadable(task, key)
  const now = yield* Clock.currentTimeMillis
  if (isUnderWay(job.value) && now - job.value.updatedAt < silence && !isOwnPrefix(task)) {
    yield* Effect.annotateLogs(Effect.logInfo("an older job is under way still: it is looked at again"), { key })
    return "left"
  }
  const { logs, status } = yield* Effect.sync(() => moved(job.value, key, now))
  yield* archiveLogs(status.name, logs)
  const archive = yield* JobArchive
  yield* archive.adopt(status, { key, modifyIndex }, task.lease.fence)
  return isUnderWay(job.value) ? "broken" : "moved"
})

/** Among this service's own records it is one of them. */
const unreadable = (task: TakeOver, key: string): Effect.Effect<End> =>
  isOwnPrefix(task)
    ? Effect.succeed("none")
    : Effect.as(
        Effect.annotateLogs(Effect.logWarning("an older job can't be read: it stays where it is"), { key }),
        "unreadable" as const
      )

const moved = (job: LegacyJob, source: string, now: number) => {
  const config = legacyConfig(job.config)
  return legacyStatus(job, config, { now, source, redact: makeRedactor(config.secrets).text })
}

/** Repeating it changes nothing. */
const archiveLogs = Effect.fnUntraced(function* (name: string, steps: ReadonlyArray<LegacyStep>) {
  const archive = yield* LogArchive
  const encoder = new TextEncoder()
  for (const { nomadJobId, stderr, stdout } of steps) {
    yield* archive.write(name, nomadJobId, "stdout", boundLog(encoder.encode(stdout)))
    yield* archive.write(name, nomadJobId, "stderr", boundLog(encoder.encode(stderr)))
  }
})
