import { Clock, Duration, Effect, Either, Option, Schedule, type Scope, Stream } from "effect"
import { Consul } from "../consul/Consul.ts"
import type { JobRequest } from "../domain/Snapshot.ts"
import { isTerminal, type Status } from "../domain/Status.ts"
import type { ApiError } from "../http/ApiError.ts"
import { type LeaderLock, type Lease, type Resign, whileLeading } from "../leader/LeaderLock.ts"
import { Nomad } from "../nomad/Nomad.ts"
import type { Keys } from "../store/keys.ts"
import { makeFeed } from "../store/Feed.ts"
import { JobArchive } from "../store/JobArchive.ts"
import type { LogArchive } from "../store/LogArchive.ts"
import type { LogRetention } from "../store/LogRetention.ts"
import { Records } from "../store/Records.ts"
import type { Redaction } from "../store/Redaction.ts"
import { Requests } from "../store/Requests.ts"
import { LiveSettings } from "../store/LiveSettings.ts"
import { type StatusRead, Statuses, type StoredStatus } from "../store/Statuses.ts"
import { answerCollections } from "./answerCollections.ts"
import { eachOf } from "./eachOf.ts"
import { makeLedger } from "./Ledger.ts"
import { forgetSubmitKeys } from "./forgetSubmitKeys.ts"
import { housekeeping } from "./housekeeping.ts"
import { makeJobMeter } from "./JobMeter.ts"
import { makeOrphanCollector, type OrphanCollector } from "./Orphans.ts"
import { makeReconciler } from "./Reconciler.ts"
import { isOwnPrefix, takeOver, takeOverOnce } from "./takeOver.ts"
import { resignWhenStuck } from "./resignWhenStuck.ts"
import { type Reading, StatusCache } from "./StatusCache.ts"
import { makeWorkQueue, type Wait, type WorkQueue } from "./WorkQueue.ts"

export interface ControllerOptions {
  readonly installation: string
  readonly keys: Keys
  /** Where the service's ancestor kept its jobs; empty: they are left alone. */
  readonly legacyPrefix?: string
  /** What else whoever leads has to do, for as long as it does. */
  readonly duty?: (term: Term) => Effect.Effect<never, never, Scope.Scope>
}

export interface Term {
  readonly lease: Lease
  /** Whether a run that is under way has this id, or a record this name. */
  readonly isLive: (id: string) => boolean
}

type Needs =
  | Consul
  | Nomad
  | Records
  | Redaction
  | Requests
  | Statuses
  | LogArchive
  | LogRetention
  | JobArchive
  | LiveSettings

/** Reconciles every record for as long as this process leads. Fails never; it ends with its fiber. */
export const runController = (options: ControllerOptions): Effect.Effect<never, never, LeaderLock | Needs> =>
  whileLeading((lease, resign) => term(options, lease, resign))

/** One term of office: all that it opens lives in its scope. */
const term = Effect.fnUntraced(function* (
  { duty, installation, keys, legacyPrefix = "" }: ControllerOptions,
  lease: Lease,
  resign: Resign
): Effect.fn.Return<never, never, Needs | Scope.Scope> {
  const records = yield* Records
  const { current } = yield* LiveSettings
  yield* takeOverFrom(legacyPrefix, keys, lease)
  const ledger = makeLedger()
  const meter = yield* makeJobMeter(current)
  const owners = new Map<string, string>()
  const active = new Set<string>()

  const enter = (status: Status): ReadonlyArray<string> => {
    const open = !isTerminal(status.status) || status.attempts.some(({ outcome }) => outcome === undefined)
    if (open) active.add(status.name)
    else active.delete(status.name)
    for (const { nomad_job_id: id, outcome } of status.attempts) {
      if (outcome === undefined) owners.set(id, status.name)
      else owners.delete(id)
    }
    return ledger.take(status)
  }

  const consul = yield* Consul
  const requests = yield* Requests
  const archive = yield* JobArchive
  const feed = yield* makeFeed(keys, lease.fence, String(yield* Clock.currentTimeMillis))
  const changes = yield* records.changes
  const asked = yield* requests.changes
  const sweepsAsked = yield* requests.collectionsAsked
  yield* records.ready
  const cache = new StatusCache()
  const forget = (name: string) => {
    active.delete(name)
    ledger.forget(name)
    meter.forget(name)
  }
  const queue: WorkQueue = yield* makeWorkQueue({
    reconcile: makeReconciler({
      cache,
      installation,
      keys,
      lease,
      settings: current,
      ledger,
      seen: (status) =>
        Effect.suspend(() => {
          meter.saw(status)
          return Effect.asVoid(eachOf(enter(status), 1, queue.add))
        }),
      written: feed.announce,
      archived: (name) =>
        Effect.suspend(() => {
          forget(name)
          return feed.announce({ name })
        }),
      gone: (name) => Effect.sync(() => forget(name))
    }),
    concurrency: passesAtOnce,
    backoff
  })
  yield* Effect.forkScoped(resignWhenStuck(queue.check, current, resign))

  /** A job may be asked about before its record was ever looked at: then the first pass over it takes the request up. */
  const isSubmitted = (jobId: string) =>
    Effect.map(
      Effect.either(consul.get(`${keys.jobs}${jobId}`, { consistent: true })),
      (entry) => Either.isLeft(entry) || Option.isSome(entry.right)
    )

  const dropUnanswerable = (id: string) =>
    Effect.zipRight(Effect.logWarning("request dropped: no job has this id"), Effect.ignore(requests.drop(id)))

  /** A request about a job that is over and archived brings the job back, to be answered as any other. */
  const wakeFor = ({ id, jobId }: JobRequest) => {
    const name = ledger.nameOf(jobId)
    if (name !== undefined) return queue.add(name)
    meter.comesBack(jobId)
    return Effect.matchEffect(archive.restore(jobId, lease.fence), {
      // It stays, and is looked at again with the next resync.
      onFailure: (error) => Effect.logWarning("request not answered yet", error.message),
      onSuccess: Option.match({
        onSome: queue.add,
        onNone: () => Effect.asVoid(Effect.unlessEffect(dropUnanswerable(id), isSubmitted(jobId)))
      })
    }).pipe(Effect.annotateLogs({ request: id, jobId }))
  }

  /** A record that can't be built has nobody who waits for it: however many there are, the others don't wait for them. */
  const announce = (name: string) =>
    Effect.suspend(() =>
      active.has(name) ||
      (records.weight(name) <= quicklyRead && Option.exists(records.get(name), ({ view }) => view._tag === "Valid"))
        ? queue.add(name)
        : queue.addLater(name)
    )

  /** Hands over each status that is in the store, with whether it is still as it was read. */
  const eachStored = (take: (stored: StoredStatus, reading: Reading) => Effect.Effect<void>) =>
    Effect.acquireUseRelease(
      Effect.sync(() => cache.beginReading()),
      (reading) => eachStatus((stored) => take(stored, reading)),
      ({ end }) => Effect.sync(end)
    )

  /** What is under way comes first: somebody waits for it. */
  const underWay = Effect.gen(function* () {
    const known = new Set<string>()
    yield* eachStored((stored, { isOutdated, remember }) =>
      Effect.sync(() => {
        const { status } = stored
        known.add(status.name)
        if (isOutdated(status.name)) return
        meter.known(status)
        enter(status)
        if (active.has(status.name)) remember(status.name, readOf(stored))
      })
    )
    yield* Effect.forEach([...active], queue.add, { discard: true })
    return known
  })

  /** Then what is new, and in the end what is only looked at to be sure. */
  const everythingElse = Effect.fnUntraced(function* (known: ReadonlySet<string>) {
    const fresh = records.names().filter((name) => !known.has(name))
    yield* Effect.forEach(fresh, (name) => Effect.zipLeft(announce(name), Effect.yieldNow()), { discard: true })
    yield* Effect.forEach(requests.all(), wakeFor, { discard: true })
    // Read once more, a few at a time: what is over and done with lies in memory only while it is looked at.
    yield* eachStored((stored, { isOutdated, remember }) => {
      const { status } = stored
      if (active.has(status.name) || !known.has(status.name)) return Effect.void
      return Effect.zipRight(
        queue.hasRoom,
        Effect.suspend(() => {
          // While there was no room, a pass has looked at it.
          if (isOutdated(status.name)) return Effect.void
          remember(status.name, readOf(stored))
          return queue.addLater(status.name)
        })
      )
    })
  })

  const orphans = yield* makeOrphanCollector({ installation, keys, settings: current, isOwned: (id) => owners.has(id) })
  const known = yield* underWay
  yield* Effect.forkScoped(Stream.runForEach(changes, announce))
  yield* Effect.forkScoped(Stream.runForEach(asked, wakeFor))
  yield* Effect.forkScoped(Stream.runForEach(sweepsAsked, () => orphans.wake))
  yield* Effect.forkScoped(followNomad(queue, owners, active, orphans))
  yield* Effect.forkScoped(orphans.run(answerCollections({ keys, lease, requests }, orphans.sweep)))
  yield* Effect.forkScoped(housekeeping(current, lease))
  yield* Effect.forkScoped(forgetSubmitKeys(keys, lease))
  const isLive = (id: string) => active.has(ledger.nameOf(id) ?? "") || Option.isSome(records.get(id))
  if (duty !== undefined) yield* Effect.forkScoped(Effect.scoped(duty({ lease, isLive })))
  yield* everythingElse(known)
  return yield* Effect.forever(
    Effect.zipRight(
      Effect.sleep(resync),
      Effect.flatMap(underWay, (stored) => everythingElse(stored))
    )
  )
})

/** Beside the work, unless the jobs would be taken for records: then it comes first. */
const takeOverFrom = Effect.fnUntraced(function* (from: string, keys: Keys, lease: Lease) {
  if (from === "") return
  const task = { from, keys, lease }
  // What fails here is tried again beside the work.
  if (isOwnPrefix(task)) yield* Effect.ignore(takeOverOnce(task))
  yield* Effect.forkScoped(takeOver(task))
})

/** Bytes of a record that is looked at before its turn: a large one may be anything, and takes a while to understand. */
const quicklyRead = 8 * 1024

/** Passes at the same time: most of a pass is waiting for Consul and Nomad. */
const passesAtOnce = 16

/** The safety net, not the engine: whatever a lost notification left behind is found here. */
const resync = Duration.minutes(5)

/** From 200 ms to a minute, doubling. */
const backoff = (failures: number): Duration.Duration =>
  Duration.millis(Math.min(60_000, 100 * 2 ** Math.min(failures, 16)))

const readOf = ({ modifyIndex, status }: StoredStatus): StatusRead => ({ status: Option.some(status), modifyIndex })

/** Each status in the store, however often it takes. */
const eachStatus = Effect.fnUntraced(function* (take: (stored: StoredStatus) => Effect.Effect<void>) {
  const statuses = yield* Statuses
  yield* statuses.each(take).pipe(
    Effect.tapError((error: ApiError) => Effect.logWarning("statuses could not be read", error)),
    Effect.retry(Schedule.jittered(Schedule.spaced(Duration.seconds(2)))),
    // The schedule has no end, so neither has the error a way out.
    Effect.orDie
  )
})

/**
 * Until a look at what has not ended: it takes in what follows meanwhile. A task that starts is of interest only where that
 * takes long, and is looked at when it runs. That a quick one runs and that it ended are two pieces of news: Nomad's client
 * sends its own every 200 ms (`allocSyncIntv` in client/client.go), and the server gathers what comes within 50.
 */
const waits = { starting: "2 seconds", running: "300 millis", unplaced: "50 millis" } as const

const followNomad = Effect.fnUntraced(function* (
  queue: WorkQueue,
  owners: ReadonlyMap<string, string>,
  active: ReadonlySet<string>,
  orphans: OrphanCollector
) {
  const nomad = yield* Nomad
  const wake = (nomadJobId: string, add: (name: string) => Effect.Effect<void>) =>
    Option.match(Option.fromNullable(owners.get(nomadJobId)), { onNone: () => Effect.void, onSome: add })
  const wakeWithin = (nomadJobId: string, wait: Wait) => wake(nomadJobId, (name) => queue.addWithin(name, wait))
  // Whatever changes a job has an evaluation too, and the job's own event is the longest of all: its whole text.
  yield* Stream.runForEach(nomad.events(["Allocation", "Evaluation"], Option.none()), (event) => {
    switch (event._tag) {
      // The stream doesn't show its gaps: look at all that is under way.
      case "Connected":
        return Effect.zipRight(Effect.forEach([...active], queue.add, { discard: true }), orphans.wake)
      case "AllocationChanged":
        return event.stage === "ended" ? wake(event.jobId, queue.addFirst) : wakeWithin(event.jobId, waits[event.stage])
      case "EvaluationChanged":
        return event.isRoutine ? Effect.void : wakeWithin(event.jobId, waits.unplaced)
      case "JobChanged":
      case "NodeChanged":
        return Effect.void
    }
  })
})
