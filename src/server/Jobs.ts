import { Array as Arr, Clock, Context, Duration, Effect, Either, Exit, Layer, Option } from "effect"
import { ActingToken } from "../consul/ActingToken.ts"
import { isUuid } from "../domain/childIds.ts"
import { decodeAsked } from "../domain/decodeRecord.ts"
import { resolveJob } from "../domain/resolve.ts"
import { allSlots } from "../domain/slots.ts"
import { isTerminal, type JobStatus, type Status } from "../domain/Status.ts"
import { vaultFaults } from "../domain/vaultFaults.ts"
import { namedVaultPaths } from "../domain/vaultPathFaults.ts"
import type { ApiError } from "../http/ApiError.ts"
import { Vault } from "../vault/Vault.ts"
import { Collections } from "../store/Collections.ts"
import type { Collection } from "../store/CollectionsValue.ts"
import { type ArchivedGist, JobArchive } from "../store/JobArchive.ts"
import { foundBy, type FoundJob, JobFinder } from "../store/JobFinder.ts"
import { LiveSettings } from "../store/LiveSettings.ts"
import { Statuses, type StatusRead } from "../store/Statuses.ts"
import { StatusWatch } from "../store/StatusWatch.ts"
import { type SlotTaken, Submissions, type SubmitKeyReused, type Submitted } from "../store/Submissions.ts"
import { Caller, mayChange, maySee } from "./Caller.ts"
import { InvalidJob, JobConflict, JobNotFound, NotAllowed } from "./JobErrors.ts"
import { secretFaults } from "./secretFaults.ts"
import { type LateVerb, verbAnswer } from "./verbAnswer.ts"

/** Which jobs to list; all fields narrow the list, and the counts are of what is left. */
export interface JobQuery {
  readonly limit: number
  readonly offset: number
  readonly owner?: string
  readonly status?: ReadonlyArray<JobStatus>
}

export interface JobPage {
  /** Newest first, by their beginning; under way and ended alike. */
  readonly jobs: ReadonlyArray<Status>
  readonly total: number
}

/**
 * What can be asked about jobs and wanted of them, whatever the interface: it writes what clients write, and reads what the
 * leader wrote. A reading changes nothing. The caller is taken from the context.
 */
export class Jobs extends Context.Tag("jobforge/server/Jobs")<
  Jobs,
  {
    /** A configuration as a client gave it, parsed from JSON or YAML but not looked at. */
    readonly submit: (
      input: unknown,
      options?: { readonly submitKey?: string }
    ) => Effect.Effect<Submitted, ApiError | InvalidJob | NotAllowed | SlotTaken | SubmitKeyReused>
    /**
     * As `submit` without a key, under the conditions of `tell`. It calls back once; `unknown`: nothing was written, and
     * `submit` has more to do, or to say.
     */
    readonly tellSubmitted: (
      input: unknown,
      then: (told: Exit.Exit<Submitted, ApiError> | "unknown") => void
    ) => (() => void) | void
    /** By the job's id or the record's name. */
    readonly find: (id: string) => Effect.Effect<FoundJob, ApiError | JobNotFound>
    /** A job that has this very name, for a caller who may see everything, without a fiber. None: `find` may know more. */
    readonly tell: (name: string, then: (found: Option.Option<FoundJob>) => void) => void
    /** The job once its index is above this one, or as it is when the time is over. */
    readonly wait: (
      id: string,
      index: number,
      within: Duration.Duration,
      /** Ends the wait before its time. */
      end?: Effect.Effect<void>
    ) => Effect.Effect<FoundJob, ApiError | JobNotFound>
    /** As `wait`, under the conditions of `tell`. Answers with what ends it. */
    readonly tellNewer: (
      name: string,
      index: number,
      within: Duration.Duration,
      end: Effect.Effect<void>,
      then: (told: Told) => void
    ) => () => void
    readonly list: (query: JobQuery) => Effect.Effect<JobPage, ApiError>
    /** Answers once the leader has taken it up, or after 10 s as the job is then. A job that was killed before is no conflict. */
    readonly kill: (id: string) => Effect.Effect<FoundJob, ApiError | JobConflict | JobNotFound | NotAllowed>
    /** Builds an ended job's unchanged record once more. Answers as `kill` does, with the new run where there is one. */
    readonly retry: (id: string) => Effect.Effect<FoundJob, ApiError | JobConflict | JobNotFound | NotAllowed>
    /** Ends what of the job is under way, or removes the temporary image of one that is over. */
    readonly cleanup: (id: string) => Effect.Effect<FoundJob, ApiError | JobNotFound | NotAllowed>
    /**
     * Ends what runs in Nomad for this installation and belongs to no job, and removes what such jobs left in registries.
     * Waits so long for the leader to do it; none: it will.
     */
    readonly collect: (
      within: Duration.DurationInput
    ) => Effect.Effect<Option.Option<Collection>, ApiError | NotAllowed>
    /** Makes Nomad forget an ended job's phases. */
    readonly purge: (id: string) => Effect.Effect<FoundJob, ApiError | JobConflict | JobNotFound | NotAllowed>
  }
>() {
  static readonly layer: Layer.Layer<
    Jobs,
    never,
    Collections | JobArchive | JobFinder | LiveSettings | Statuses | StatusWatch | Submissions | Vault
  > = Layer.suspend(() => Layer.effect(Jobs, make))
}

/** `unknown`: `wait` may know more of the job; `over`: the time is, or it can't be read, and `find` knows how the job is then. */
export type Told = FoundJob | "unknown" | "over"

/** After which a record that has no status is looked at again: it may be gone. */
const lookAgain = Duration.seconds(5)

/** How long a verb waits for the leader to take it up. */
const patience = Duration.seconds(10)

const make = Effect.gen(function* () {
  const archive = yield* JobArchive
  const collections = yield* Collections
  const finder = yield* JobFinder
  const settings = yield* LiveSettings
  const statuses = yield* Statuses
  const submissions = yield* Submissions
  const vault = yield* Vault
  const watch = yield* StatusWatch

  /** Asked more often than all the rest together: a generator would be a good part of what it costs. */
  const find = (id: string): Effect.Effect<FoundJob, ApiError | JobNotFound> =>
    Effect.flatMap(finder.find(id), (found) =>
      Effect.flatMap(Caller, (caller) =>
        Option.isSome(found) && maySee(caller, found.value.status.config?.owner)
          ? Effect.succeed(found.value)
          : new JobNotFound({ id })
      )
    )

  const submit = Effect.fnUntraced(function* (input: unknown, options?: { readonly submitKey?: string }) {
    const decoded = decodeAsked(input)
    if (Either.isLeft(decoded)) return yield* new InvalidJob({ errors: decoded.left })
    const record = decoded.right
    const { owner } = record.job
    if (!mayChange(yield* Caller, owner))
      return yield* new NotAllowed({ detail: `no right to submit for owner ${owner}` })
    const { policy } = yield* settings.current
    const refused = vaultFaults(record.job, policy)
    const faults = refused.length > 0 ? refused : yield* secretFaults(vault, record.job)
    if (Arr.isNonEmptyReadonlyArray(faults)) return yield* new InvalidJob({ errors: faults })
    const submitted = yield* submissions.submit(record, {
      submitKey: Option.fromNullable(options?.submitKey),
      wanted: record.onConflict === "reject" ? allSlots(resolveJob(record.job, policy.defaults)) : []
    })
    yield* noted(submitted, owner)
    return submitted
  })

  const tellSubmitted: Jobs["Type"]["tellSubmitted"] = (input, then) => {
    const decoded = decodeAsked(input)
    if (Either.isLeft(decoded)) return then("unknown")
    const { job } = decoded.right
    const isPlain = namedVaultPaths(job).length === 0 && vaultFaults(job, settings.now().policy).length === 0
    const takeBack = isPlain
      ? submissions.tell(decoded.right, (made) => {
          const told = Exit.map(made, (jobId): Submitted => ({ jobId, repeated: false }))
          then(told)
          return Exit.isSuccess(told) ? noted(told.value, job.owner) : Effect.void
        })
      : undefined
    return takeBack ?? then("unknown")
  }

  const wait = Effect.fnUntraced(function* (
    id: string,
    index: number,
    within: Duration.Duration,
    end: Effect.Effect<void> = Effect.never
  ) {
    const found = yield* find(id)
    // What has ended and moved away changes no more, and what is newer than was asked for is the answer.
    if (found.archived || index <= 0 || found.index > index) return found
    const { name } = found.status
    const over = (yield* Clock.currentTimeMillis) + Duration.toMillis(within)
    const left = Effect.map(Clock.currentTimeMillis, (now) => Duration.millis(over - now))
    while (Duration.greaterThan(yield* left, Duration.zero)) {
      const now = yield* toldOf(id, index, yield* watch.newer(name, index, yield* left, end))
      if (now.archived || now.index > index || (yield* isDone(end))) return now
      // A record that the leader has not looked at yet has no status to wait for.
      yield* watch.appears(name, Duration.min(lookAgain, yield* left), end)
    }
    return yield* find(id)
  })

  /**
   * Everybody who waited is told the same read, or else each change would be read again for each of them. Who acts with a
   * token of its own reads with that one: Consul decides what it may see.
   */
  const toldOf = Effect.fnUntraced(function* (id: string, index: number, { modifyIndex, status }: StatusRead) {
    const caller = yield* Caller
    const shared = Option.isNone(yield* ActingToken) && modifyIndex > index
    const own = Option.filter(
      status,
      ({ config, job_id: jobId, name }) => shared && (name === id || jobId === id) && maySee(caller, config?.owner)
    )
    if (Option.isNone(own)) return yield* find(id)
    const found: FoundJob = { status: own.value, index: modifyIndex, archived: false }
    return found
  })

  /** Waits until the job is as wanted, or for as long as a client may be kept waiting. */
  const until = (id: string, first: FoundJob, wanted: (found: FoundJob) => boolean) =>
    Effect.iterate(first, {
      while: (found) => !wanted(found),
      // An archived job has no index to wait on until the leader brings it back.
      body: (found) => (found.index === 0 ? Effect.delay(find(id), "100 millis") : wait(id, found.index, patience))
    }).pipe(
      Effect.timeoutTo({ duration: patience, onSuccess: Option.some, onTimeout: () => Option.none<FoundJob>() }),
      Effect.flatMap(Option.match({ onNone: () => find(id), onSome: Effect.succeed }))
    )

  const mine = Effect.fnUntraced(function* (id: string) {
    const found = yield* find(id)
    const caller = yield* Caller
    const { config, name } = found.status
    if (!mayChange(caller, config?.owner)) return yield* new NotAllowed({ detail: `no right to change job ${id}` })
    const jobId = found.status.job_id ?? (isUuid(name) ? name : undefined)
    return { found, jobId }
  })

  const ended = ({ status }: FoundJob) => isTerminal(status.status)

  const kill = Effect.fn("Jobs.kill")(function* (id: string) {
    const { found, jobId } = yield* mine(id)
    const { reason, status } = found.status
    if (isTerminal(status) && reason === "Cancelled") return found
    if (isTerminal(status)) return yield* new JobConflict({ id, detail: `the job is over already: ${status}` })
    if (jobId === undefined) return yield* notBegun(id)
    yield* submissions.request("kill", jobId)
    return yield* until(id, found, (seen) => ended(seen) || seen.status.stopping !== undefined)
  })

  const afterEnd = Effect.fnUntraced(function* (id: string, verb: LateVerb) {
    const { found, jobId } = yield* mine(id)
    if (!ended(found)) {
      return yield* new JobConflict({
        id,
        detail: `the job is ${found.status.status}; kill it first, or wait for its end`
      })
    }
    if (jobId === undefined) return yield* notBegun(id)
    const before = verbAnswer(found.status, verb)?.at
    yield* submissions.request(verb, jobId)
    // An archived job comes back to be answered, and then moves away again.
    return yield* until(
      found.status.name,
      found,
      ({ status }) => status.job_id !== jobId || verbAnswer(status, verb)?.at !== before
    )
  })

  const cleanup = Effect.fn("Jobs.cleanup")(function* (id: string) {
    const { found } = yield* mine(id)
    return yield* (ended(found) ? afterEnd(id, "cleanup") : kill(id)).pipe(
      // It ended in between, which is all that was wanted.
      Effect.catchTag("JobConflict", () => find(id))
    )
  })

  const collect = Effect.fn("Jobs.collect")(function* (within: Duration.DurationInput) {
    // What it ends belongs to nobody any more, so no owner can be the one who says so.
    if ((yield* Caller).role !== "admin") {
      return yield* new NotAllowed({ detail: "no right to end what nobody owns: that takes the role admin" })
    }
    const id = yield* collections.ask
    return yield* Effect.timeoutOption(collections.answerTo(id), within)
  })

  const list = Effect.fn("Jobs.list")(function* (query: JobQuery) {
    const caller = yield* Caller
    // In the order in which a job moves: one that does so meanwhile is seen at its later place.
    const records = yield* finder.names
    const live = (yield* statuses.list).map(({ status }) => status)
    const names = new Set(live.map(({ name }) => name))
    const wanted = ({ owner, status }: ArchivedGist) =>
      maySee(caller, owner) &&
      (query.owner === undefined || owner === query.owner) &&
      (query.status === undefined || query.status.includes(status))
    const shown = (status: Status) => wanted({ owner: status.config?.owner, status: status.status })
    const filtered = query.owner !== undefined || query.status !== undefined || caller.owners !== "all"
    const past = (yield* archive.index).filter(({ name }) => !names.has(name))
    for (const { name } of past) names.add(name)
    const read = (entry: Listed): Effect.Effect<Option.Option<Status>, ApiError> => {
      if ("status" in entry) return Effect.succeedSome(entry.status)
      const found: Effect.Effect<Option.Option<Pick<FoundJob, "status">>, ApiError> = "archived" in entry
        ? archive.get(entry.archived)
        : finder.find(entry.record)
      return found.pipe(
        Effect.map(Option.map(({ status }) => status)),
        // One that can't be read, or is pruned just now, doesn't hide the others.
        Effect.catchTag("Invalid", () => Effect.succeedNone)
      )
    }
    // Submitted a moment ago, or while nobody leads: the names alone don't tell what they are about.
    const fresh = records
      .filter((name) => !names.has(name))
      .map((record): Listed => ({ at: Number.POSITIVE_INFINITY, record }))
    const isWanted = (entry: Listed) => Effect.map(read(entry), Option.exists(shown))
    const entries: ReadonlyArray<Listed> = [
      ...(filtered ? yield* Effect.filter(fresh, isWanted, { concurrency: 8 }) : fresh),
      ...live.filter(shown).map((status) => ({ at: status.times.job_start ?? status.updated_at, status })),
      ...(filtered ? yield* archive.matching(past, wanted) : past).map(({ name, startedAt }) => ({
        at: startedAt,
        archived: name
      }))
    ].toSorted((a, b) => (a.at === b.at ? 0 : b.at - a.at))
    const page = entries.slice(query.offset, query.offset + query.limit)
    const jobs = yield* Effect.forEach(page, read, { concurrency: 8 })
    return { jobs: jobs.flatMap(Option.toArray).filter((status) => !filtered || shown(status)), total: entries.length }
  })

  return Jobs.of({
    submit,
    tellSubmitted,
    find,
    tell: finder.tell,
    tellNewer: (name, index, within, end, then) =>
      watch.tellNewer(name, index, within, end, (read) =>
        then(
          Exit.match(read, {
            onFailure: () => "over",
            onSuccess: Option.match({
              onNone: () => "over",
              onSome: (seen): Told => Option.getOrElse(foundBy(seen), () => "unknown")
            })
          })
        )
      ),
    wait,
    list,
    kill,
    cleanup,
    collect,
    retry: (id) => afterEnd(id, "retry"),
    purge: (id) => afterEnd(id, "purge")
  })
})

const noted = (submitted: Submitted, owner: string): Effect.Effect<void> =>
  Effect.annotateLogs(Effect.logInfo("Job submitted successfully"), { ...submitted, owner })

/** Whether what ends a wait has come; asked at once, and only of waits that had no news. */
const isDone = (end: Effect.Effect<void>): Effect.Effect<boolean> =>
  Effect.raceFirst(Effect.as(end, true), Effect.delay(Effect.succeed(false), Duration.zero))

/** A job of the list: its status, or the name of what tells of it. */
type Listed = { readonly at: number } & (
  | { readonly status: Status }
  | { readonly archived: string }
  | { readonly record: string }
)

const notBegun = (id: string) =>
  new JobConflict({ id, detail: "the record was not looked at yet; ask again in a moment" })
