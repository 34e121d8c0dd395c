import { Array as Arr, Clock, Context, Effect, Layer, Option } from "effect"
import { ActingToken } from "../consul/ActingToken.ts"
import { Consul } from "../consul/Consul.ts"
import { maxTransactionBytes, transactionSize, type TxnOp, TxnResult } from "../consul/Transaction.ts"
import { isUuid } from "../domain/childIds.ts"
import type { JobStatus, Status } from "../domain/Status.ts"
import { type ApiError, Denied, Invalid } from "../http/ApiError.ts"
import { type ArchivedJob, formsOf, packJob, unpackJob } from "./ArchivedJob.ts"
import { type ArchivedRef, parseArchivedRef, refsToDelete } from "./ArchivedRef.ts"
import {
  adopting,
  archiving,
  type Earlier,
  forgetting,
  forgottenAtOnce,
  restoring,
  type Seen
} from "./archiveOperations.ts"
import type { Keys } from "./keys.ts"
import { readKeys } from "./readKeys.ts"
import type { Retention } from "./Retention.ts"
import { WriteConflict } from "./Statuses.ts"

/** A job that is over, and what must still be true for it to be moved. */
export interface Finished {
  readonly status: Status
  readonly statusIndex: number
  /** The record that the status is about: its key and index, or the key that must not exist. */
  readonly record: Seen
  readonly fence: Option.Option<TxnOp>
}

/** What a list of jobs is narrowed by. */
export interface ArchivedGist {
  readonly owner: string | undefined
  readonly status: JobStatus
}

export interface ArchivePage {
  readonly jobs: ReadonlyArray<ArchivedJob>
  readonly total: number
}

/**
 * Finished jobs that came over HTTP. Whoever looks for a job looks among the statuses first and here second: a job moves
 * in one transaction, so it is always found.
 */
export class JobArchive extends Context.Tag("jobforge/store/JobArchive")<
  JobArchive,
  {
    /** By the record's name or by the id of its last run. */
    readonly get: (id: string) => Effect.Effect<Option.Option<ArchivedJob>, ApiError>
    /** Newest first, by their beginning. */
    readonly list: (page: { readonly offset: number; readonly limit: number }) => Effect.Effect<ArchivePage, ApiError>
    /** Newest first, from the names of keys alone. */
    readonly index: Effect.Effect<ReadonlyArray<ArchivedRef>, ApiError>
    /** Those of these whose job is such a one; what can't be read, or is pruned just now, is left out. */
    readonly matching: (
      refs: ReadonlyArray<ArchivedRef>,
      wanted: (gist: ArchivedGist) => boolean
    ) => Effect.Effect<ReadonlyArray<ArchivedRef>, ApiError>
    /** Writes the archived job and deletes record and status, all or nothing. */
    readonly put: (finished: Finished) => Effect.Effect<void, ApiError | WriteConflict>
    /**
     * Takes in a job that lay elsewhere: writes it and deletes the key that it was made from, all or nothing. One that is
     * here already stays as it is.
     */
    readonly adopt: (
      status: Status,
      from: { readonly key: string; readonly modifyIndex: number },
      fence: Option.Option<TxnOp>
    ) => Effect.Effect<void, ApiError | WriteConflict>
    /** The other way round, for a request about a job that is over. Answers with the record's name. */
    readonly restore: (
      id: string,
      fence: Option.Option<TxnOp>
    ) => Effect.Effect<Option.Option<string>, ApiError | WriteConflict>
    /** Deletes what is too old or too much; answers with the number. */
    readonly prune: (
      limits: Pick<Retention, "historyAge" | "historyMax">,
      fence: Option.Option<TxnOp>,
      now: number
    ) => Effect.Effect<number, ApiError>
  }
>() {
  static readonly layer = (keys: Keys): Layer.Layer<JobArchive, never, Consul> => Layer.effect(JobArchive, make(keys))
}

const make = Effect.fnUntraced(function* (keys: Keys) {
  const consul = yield* Consul

  const index = Effect.map(consul.keys(keys.archiveTimes), ({ value }) =>
    value
      .flatMap((key) => Option.toArray(parseArchivedRef(keys.archiveTimes, key)))
      .toSorted((a, b) => (a.key < b.key ? 1 : -1))
  )

  const find = Effect.fnUntraced(function* (name: string) {
    const entry = yield* consul.get(keys.archived(name))
    if (Option.isNone(entry)) return Option.none<Found>()
    const { modifyIndex, value } = entry.value
    const job = yield* unpackJob(value)
    if (Option.isNone(job)) return yield* damaged(name)
    return Option.some<Found>({ job: job.value, modifyIndex })
  })

  const findById = Effect.fnUntraced(function* (id: string) {
    if (!isUuid(id)) return Option.none<Found>()
    const byName = yield* find(id)
    if (Option.isSome(byName)) return byName
    const alias = yield* consul.get(keys.archivedId(id))
    return Option.isNone(alias) ? Option.none<Found>() : yield* find(new TextDecoder().decode(alias.value.value))
  })

  /** The record's own bytes, as long as it is the one that was judged. */
  const textOf = Effect.fnUntraced(function* ({ key, modifyIndex }: Seen) {
    if (Option.isNone(modifyIndex)) return Option.none<string>()
    const entry = yield* consul.get(key)
    if (Option.isNone(entry) || entry.value.modifyIndex !== modifyIndex.value) {
      return yield* new WriteConflict({ detail: `the record ${key} has changed` })
    }
    return Option.some(new TextDecoder().decode(entry.value.value))
  })

  const earlierOf = Effect.fnUntraced(function* (name: string) {
    const entry = yield* consul.get(keys.archived(name))
    if (Option.isNone(entry)) return Option.none<Earlier>()
    const { modifyIndex, value } = entry.value
    const job = yield* unpackJob(value)
    return Option.some<Earlier>({ modifyIndex, status: Option.map(job, ({ status }) => status) })
  })

  const put = Effect.fn("JobArchive.put")(function* (finished: Finished) {
    const { fence, record, status } = finished
    const { name } = status
    const text = yield* textOf(record)
    const job: ArchivedJob = {
      name,
      archived_at: yield* Clock.currentTimeMillis,
      status,
      ...Option.match(text, { onNone: () => ({}), onSome: (found) => ({ record: { key: record.key, text: found } }) })
    }
    const earlier = yield* earlierOf(name)
    const operations = yield* fitting(job, (value) => [
      ...Option.toArray(fence),
      ...archiving(keys, value, finished, earlier)
    ])
    yield* commit(consul, `archiving of ${name}`, operations)
  })

  const adopt = Effect.fn("JobArchive.adopt")(function* (
    status: Status,
    from: { readonly key: string; readonly modifyIndex: number },
    fence: Option.Option<TxnOp>
  ) {
    const { name } = status
    const source: Seen = { key: from.key, modifyIndex: Option.some(from.modifyIndex) }
    const known = Option.isSome(yield* consul.get(keys.archived(name), { consistent: true }))
    const job: ArchivedJob = {
      name,
      archived_at: yield* Clock.currentTimeMillis,
      status,
      // Its content is that of the status: a client's request may bring the record back.
      ...(status.config === undefined ? {} : { record: { key: `${keys.jobs}${name}` } })
    }
    const operations = yield* fitting(job, (value) => [
      ...Option.toArray(fence),
      ...adopting(keys, known ? Option.none() : Option.some({ status, value }), source)
    ])
    yield* commit(consul, `taking over of ${from.key}`, operations)
  })

  const restore = Effect.fn("JobArchive.restore")(function* (id: string, fence: Option.Option<TxnOp>) {
    const found = yield* findById(id)
    if (Option.isNone(found)) return Option.none<string>()
    const { job, modifyIndex } = found.value
    yield* commit(consul, `restoring of ${job.name}`, [...Option.toArray(fence), ...restoring(keys, job, modifyIndex)])
    return Option.some(job.name)
  })

  /** By the key below `archive/times/`: what it names has ended, and is another key when it ends once more. */
  const gists = new Map<string, ArchivedGist>()

  const learn = Effect.fnUntraced(function* (refs: ReadonlyArray<ArchivedRef>) {
    const present = new Set(refs.map(({ key }) => key))
    for (const key of gists.keys()) if (!present.has(key)) gists.delete(key)
    const unknown = new Map(refs.filter(({ key }) => !gists.has(key)).map((ref) => [keys.archived(ref.name), ref.key]))
    yield* readKeys(consul, [...unknown.keys()], ({ key, value }) =>
      Effect.map(unpackJob(value), (job) => {
        const ref = unknown.get(key)
        if (ref !== undefined && Option.isSome(job)) gists.set(ref, gistOf(job.value))
      })
    )
  })

  const matching = Effect.fn("JobArchive.matching")(function* (
    refs: ReadonlyArray<ArchivedRef>,
    wanted: (gist: ArchivedGist) => boolean
  ) {
    if (Option.isSome(yield* ActingToken)) {
      // What this caller may read, Consul decides.
      const one = ({ name }: ArchivedRef) =>
        Effect.map(
          find(name),
          Option.exists(({ job }) => wanted(gistOf(job)))
        ).pipe(Effect.catchTag("Invalid", () => Effect.succeed(false)))
      return yield* Effect.filter(refs, one, { concurrency: 8 })
    }
    yield* learn(refs)
    return refs.filter(({ key }) => {
      const gist = gists.get(key)
      return gist !== undefined && wanted(gist)
    })
  })

  const prune = Effect.fn("JobArchive.prune")(function* (
    limits: Pick<Retention, "historyAge" | "historyMax">,
    fence: Option.Option<TxnOp>,
    now: number
  ) {
    const doomed = refsToDelete(yield* index, limits, now)
    const deleted = yield* Effect.forEach(Arr.chunksOf(doomed, forgottenAtOnce), (chunk) =>
      Effect.map(
        consul.transaction([...Option.toArray(fence), ...chunk.flatMap((ref) => forgetting(keys, ref))]),
        (result) => (TxnResult.$is("Committed")(result) ? chunk.length : 0)
      )
    )
    return deleted.reduce((sum, count) => sum + count, 0)
  })

  const list = Effect.fn("JobArchive.list")(function* ({ limit, offset }: { offset: number; limit: number }) {
    const refs = yield* index
    const found = yield* Effect.forEach(
      refs.slice(offset, offset + limit),
      // One that can't be read, or is pruned just now, doesn't hide the others.
      ({ name }) => Effect.catchTag(find(name), "Invalid", () => Effect.succeedNone),
      { concurrency: 8 }
    )
    return { jobs: found.flatMap(Option.toArray).map(({ job }) => job), total: refs.length }
  })

  const get = (id: string) =>
    Effect.map(
      findById(id),
      Option.map(({ job }) => job)
    )

  return JobArchive.of({ adopt, get, list, index, matching, put, restore, prune })
})

/** The operations with the longest form of the job that a transaction has room for. */
const fitting = Effect.fnUntraced(function* (
  job: ArchivedJob,
  operationsOf: (value: Uint8Array) => ReadonlyArray<TxnOp>
): Effect.fn.Return<ReadonlyArray<TxnOp>> {
  const [whole, ...shorter] = formsOf(job)
  let operations = operationsOf(yield* packJob(whole))
  for (const form of shorter) {
    if (transactionSize(operations) <= maxTransactionBytes) break
    operations = operationsOf(yield* packJob(form))
  }
  return operations
})

const gistOf = ({ status }: ArchivedJob): ArchivedGist => ({ owner: status.config?.owner, status: status.status })

interface Found {
  readonly job: ArchivedJob
  readonly modifyIndex: number
}

const commit = Effect.fnUntraced(function* (
  consul: Consul["Type"],
  operation: string,
  operations: ReadonlyArray<TxnOp>
): Effect.fn.Return<void, ApiError | WriteConflict> {
  const result = yield* consul.transaction(operations)
  if (TxnResult.$is("Committed")(result)) return
  const detail = result.errors.map(({ what }) => what).join("; ")
  if (result.errors.some(({ kind }) => kind === "denied")) {
    return yield* new Denied({ system: "consul", operation, detail })
  }
  return yield* new WriteConflict({ detail })
})

const damaged = (name: string) =>
  new Invalid({ system: "consul", operation: `archived job ${name}`, detail: "its value can't be read" })
