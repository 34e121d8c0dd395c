import { Clock, Duration, Effect, Option } from "effect"
import type { Consul } from "../consul/Consul.ts"
import { decide } from "../domain/decide.ts"
import type { Policy } from "../domain/Policy.ts"
import { resolveJob } from "../domain/resolve.ts"
import { allSlots } from "../domain/slots.ts"
import { Action, type Collected, type Decision, RecordView, type Snapshot } from "../domain/Snapshot.ts"
import { isTerminal, type Status } from "../domain/Status.ts"
import { type ApiError, Invalid } from "../http/ApiError.ts"
import type { Lease } from "../leader/LeaderLock.ts"
import { Nomad } from "../nomad/Nomad.ts"
import type { Keys } from "../store/keys.ts"
import type { JobArchive } from "../store/JobArchive.ts"
import type { LogArchive } from "../store/LogArchive.ts"
import { Records } from "../store/Records.ts"
import { Redaction } from "../store/Redaction.ts"
import type { StoredRecord } from "../store/RecordTable.ts"
import type { Settings } from "../store/Settings.ts"
import { type StatusRead, Statuses, type WriteConflict } from "../store/Statuses.ts"
import { Requests } from "../store/Requests.ts"
import { archiveFinished } from "./archiveFinished.ts"
import { observeChildren } from "./Children.ts"
import { collect } from "./collect.ts"
import { eachOf } from "./eachOf.ts"
import { makeHindrances } from "./hindrances.ts"
import { logProgress } from "./logProgress.ts"
import type { Ledger } from "./Ledger.ts"
import { noteUnread } from "./noteUnread.ts"
import { redactChildren } from "./redactChildren.ts"
import { register } from "./register.ts"
import { toldOf } from "./toldOf.ts"
import type { StatusCache } from "./StatusCache.ts"
import type { Requeue } from "./WorkQueue.ts"

export interface ReconcilerOptions {
  readonly installation: string
  readonly keys: Keys
  readonly lease: Lease
  readonly settings: Effect.Effect<Settings>
  readonly ledger: Ledger
  readonly cache: StatusCache
  /** Told of each status that is read or written. */
  readonly seen: (status: Status) => Effect.Effect<void>
  /** Told of each status that this process has written. */
  readonly written: (status: Status) => Effect.Effect<void>
  /** Told of each record that moved to the archive together with its status. */
  readonly archived: (name: string) => Effect.Effect<void>
  /** Told of each name of which there is nothing any more. */
  readonly gone: (name: string) => Effect.Effect<void>
}

export type Reconciler = (
  name: string
) => Effect.Effect<
  Requeue,
  ApiError | WriteConflict,
  Consul | Nomad | Records | Requests | Statuses | LogArchive | JobArchive | Redaction
>

/**
 * One pass over one record: reads both sides, decides, writes the status, then acts. Safe to repeat, to interrupt at
 * any point, and to run on stale reads: the write fails when record, status or office have changed.
 */
export const makeReconciler = (options: ReconcilerOptions): Reconciler => {
  const { cache } = options
  /** The index of each status that was told of as left to a newer version. */
  const left = new Map<string, number | undefined>()

  const readStatus = (name: string) =>
    Effect.suspend(() => {
      const known = cache.get(name)
      return known === undefined ? loadStatus(name) : Effect.succeed(known)
    })

  const loadStatus = Effect.fnUntraced(function* (name: string) {
    const statuses = yield* Statuses
    const read = yield* statuses.get(name)
    cache.set(name, read)
    return read
  })

  const write = Effect.fnUntraced(function* (
    name: string,
    status: Status,
    stored: Option.Option<StoredRecord>,
    previous: StatusRead,
    { ended, handled }: Pick<Decision, "ended" | "handled">
  ) {
    const statuses = yield* Statuses
    const record = Option.match(stored, {
      onNone: () => ({ key: `${options.keys.jobs}${name}`, modifyIndex: Option.none<number>() }),
      onSome: ({ key, modifyIndex }) => ({ key, modifyIndex: Option.some(modifyIndex) })
    })
    const held = Option.match(previous.status, { onNone: () => Array.of<string>(), onSome: ({ slots }) => [...slots] })
    const taken = status.slots.filter((slot) => !held.includes(slot))
    const released = held.filter((slot) => !status.slots.includes(slot))
    const { fence } = options.lease
    const told = yield* toldOf(options.keys, { before: previous.status, ended, after: status }, stored)
    const guard = { record, modifyIndex: previous.modifyIndex, fence, taken, released, handled, ...told }
    const modifyIndex = yield* Effect.tapError(statuses.write(status, guard), () => {
      cache.delete(name)
      // A slot that no status claims is nobody's: the next pass finds it free.
      return statuses.freeSlots(
        taken.filter((slot) => !options.ledger.isHeld(slot)),
        fence
      )
    })
    cache.set(name, { status: Option.some(status), modifyIndex })
    yield* logProgress(previous.status, status)
    const requests = yield* Requests
    requests.settle(handled)
    yield* options.written(status)
    yield* options.seen(status)
  })

  const look = Effect.fnUntraced(function* (
    name: string,
    settings: Settings,
    stored: Option.Option<StoredRecord>,
    before: StatusRead
  ) {
    const requests = yield* Requests
    const record = Option.match(stored, {
      onNone: () => RecordView.Absent(),
      onSome: ({ view }) => view
    })
    const policy = { ...settings.policy, installation: options.installation }
    const open = Option.match(before.status, { onNone: () => [], onSome: openAttempts })
    const children = yield* redactChildren(before.status, yield* observeChildren(open))
    const status = Option.getOrUndefined(before.status)
    const wanted = record._tag === "Valid" ? record.desired.job : undefined
    // Mostly both are one object.
    const jobs = [...new Set([status?.config, wanted])].flatMap((job) =>
      job === undefined ? [] : [resolveJob(job, policy.defaults)]
    )
    const snapshot: Snapshot = {
      name,
      record,
      status: before.status,
      children,
      collected: new Map(),
      rejected: new Map(),
      competition: options.ledger.competition(
        { name, owner: (wanted ?? status?.config)?.owner ?? "", slots: jobs.flatMap(allSlots) },
        policy
      ),
      requests: requests.about(status?.job_id ?? "").slice(0, requestsAtOnce),
      policy,
      now: yield* Clock.currentTimeMillis
    }
    return snapshot
  })

  const finish = (name: string, record: Option.Option<StoredRecord>, read: StatusRead, policy: Policy) => {
    if (!Option.exists(read.status, ({ status }) => isTerminal(status))) return Effect.succeed(false)
    return archiveFinished(options, { name, record, read, policy }).pipe(
      Effect.tap((moved) => {
        if (moved || Option.exists(read.status, isOver)) cache.delete(name)
        return moved ? options.archived(name) : Effect.void
      }),
      Effect.tapError(() => Effect.sync(() => cache.delete(name)))
    )
  }

  const rewrite = Effect.fnUntraced(function* (name: string, before: StatusRead, status: Status) {
    yield* write(name, status, (yield* Records).get(name), before, { ended: Option.none(), handled: [] })
  })
  /** Until a newer version leads, or somebody deletes the status: each resync looks again. */
  const leave = (name: string) =>
    Effect.suspend(() => {
      const index = cache.get(name)?.modifyIndex
      cache.delete(name)
      if (left.get(name) === index) return Effect.succeed("when-notified" as const)
      left.set(name, index)
      return Effect.logWarning("status left for a newer version of this service").pipe(
        Effect.annotateLogs({ record: name, key: options.keys.status(name) }),
        Effect.as("when-notified" as const)
      )
    })

  const hindrances = makeHindrances((name) => cache.get(name), rewrite)

  const pass = Effect.fnUntraced(function* (
    name: string
  ): Effect.fn.Return<
    Requeue,
    ApiError | WriteConflict,
    Consul | Nomad | Records | Requests | Statuses | LogArchive | JobArchive | Redaction
  > {
    // What is judged is what a write must find unchanged: the table may move on meanwhile.
    const stored = (yield* Records).get(name)
    const before = yield* readStatus(name)
    if (Option.isSome(before.status)) yield* options.seen(before.status.value)
    const settings = yield* options.settings
    const snapshot = yield* look(name, settings, stored, before)
    const decision = yield* decideWithReports(snapshot)
    yield* forgetChildren(decision.actions)
    if (Option.isSome(decision.status)) yield* write(name, decision.status.value, stored, before, decision)
    const status = Option.orElse(decision.status, () => before.status)
    if (Option.isNone(status)) {
      cache.delete(name)
      yield* options.gone(name)
      return "when-notified"
    }
    const rejected = yield* act(options.installation, settings, status.value, decision.actions)
    if (rejected.size === 0) {
      const moved = yield* finish(name, stored, cache.get(name) ?? before, snapshot.policy)
      if (moved) return "when-notified"
      // What was asked for before the run had a status waits for one that can answer it.
      const asked = Option.isNone(before.status) && (yield* Requests).about(status.value.job_id ?? "").length > 0
      return asked ? Duration.zero : requeueOf(decision)
    }
    const again = decide({ ...snapshot, status, children: new Map(), requests: [], rejected })
    if (Option.isSome(again.status)) yield* write(name, again.status.value, stored, cache.get(name) ?? before, again)
    return Duration.zero
  })

  return (name) =>
    Effect.flatMap(readStatus(name), ({ newer }) =>
      newer === true ? leave(name) : hindrances.around(name, pass(name))
    )
}

/** Requests that one transaction answers, with room for everything else that it does. */
const requestsAtOnce = 10

const isOver = (status: Status): boolean => isTerminal(status.status) && openAttempts(status).length === 0

const openAttempts = (status: Status) => status.attempts.filter(({ outcome }) => outcome === undefined)

const requeueOf = ({ again }: Decision): Requeue =>
  Option.match(again, { onNone: () => "when-notified" as const, onSome: (millis) => Duration.millis(millis) })

/** Decides, fetches what the decision lacks about ended children, and decides again. */
const decideWithReports = Effect.fnUntraced(function* (
  snapshot: Snapshot
): Effect.fn.Return<Decision, ApiError, Nomad | LogArchive | Redaction> {
  const first = decide(snapshot)
  const wanted = first.actions.filter(Action.$is("Collect"))
  if (wanted.length === 0 || Option.isNone(snapshot.status)) return first
  const redactor = yield* (yield* Redaction).of(snapshot.status.value)
  const reports = yield* eachOf(wanted, 4, ({ attempt, allocationId }) =>
    Effect.map(
      collect(
        snapshot.name,
        attempt,
        { allocationId, succeeded: snapshot.children.get(attempt.nomad_job_id)?._tag === "Succeeded" },
        redactor
      ),
      (collected): readonly [string, Collected] => [attempt.nomad_job_id, collected]
    )
  )
  const now = yield* Clock.currentTimeMillis
  const decision = decide({ ...snapshot, collected: new Map(reports), now })
  return { ...decision, status: Option.map(decision.status, (status) => noteUnread(status, redactor.unread, now)) }
})

/**
 * Makes Nomad forget what is over, before the write: the request for it goes with that, and nothing else remembers it. All
 * that is to be known of such a child is in the store since its outcome is.
 */
const forgetChildren = (actions: ReadonlyArray<Action>): Effect.Effect<unknown, ApiError, Nomad> =>
  eachOf(actions.filter(Action.$is("Purge")), 8, ({ nomadJobId }) =>
    Effect.flatMap(Nomad, (nomad) => nomad.stop(nomadJobId, { purge: true }))
  )

/** Does what was announced. Answers with the jobs that Nomad refused, by id, and its words. */
const act = (
  installation: string,
  settings: Settings,
  status: Status,
  actions: ReadonlyArray<Action>
): Effect.Effect<ReadonlyMap<string, string>, ApiError, Nomad | Redaction> => {
  const due = actions.filter((action) => action._tag === "Stop" || action._tag === "Register")
  const refused = eachOf(due, 8, (action) => {
    switch (action._tag) {
      case "Stop":
        return Effect.flatMap(Nomad, (nomad) => Effect.as(nomad.stop(action.nomadJobId), []))
      case "Register":
        return register(installation, settings, status, action.attempt).pipe(
          Effect.as([]),
          Effect.catchIf(
            (error): error is Invalid => error instanceof Invalid,
            ({ detail }) =>
              Effect.flatMap(Redaction, (redaction) =>
                Effect.map(redaction.of(status), ({ text }) => [[action.attempt.nomad_job_id, text(detail)] as const])
              )
          )
        )
    }
  })
  return Effect.map(refused, (each) => new Map(each.flat()))
}
