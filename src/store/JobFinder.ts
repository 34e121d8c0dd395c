import { Clock, Context, Effect, Exit, Layer, Option } from "effect"
import { Consul } from "../consul/Consul.ts"
import { isUuid } from "../domain/childIds.ts"
import { decodeRecord } from "../domain/decodeRecord.ts"
import { faultsText } from "../domain/summarize.ts"
import { beginRun, refuseRun } from "../domain/run.ts"
import type { Status } from "../domain/Status.ts"
import type { ApiError } from "../http/ApiError.ts"
import { JobArchive } from "./JobArchive.ts"
import { type Keys, recordName } from "./keys.ts"
import { LiveSettings } from "./LiveSettings.ts"
import { type StatusRead, Statuses } from "./Statuses.ts"
import { StatusWatch } from "./StatusWatch.ts"

/** A job, wherever it lies. */
export interface FoundJob {
  readonly status: Status
  /** What a later status has more of; 0 for an archived job, which changes no more. */
  readonly index: number
  readonly archived: boolean
}

/** Finds a job by its id or by its record's name: under way, archived, or written a moment ago and not yet looked at. */
export class JobFinder extends Context.Tag("jobforge/store/JobFinder")<
  JobFinder,
  {
    readonly find: (id: string) => Effect.Effect<Option.Option<FoundJob>, ApiError>
    /** A job that has this very name, as the service itself may see it, without a fiber. None: `find` may know more. */
    readonly tell: (name: string, then: (found: Option.Option<FoundJob>) => void) => void
    /** Of all records that `find` finds by their name, looked at or not; no others, as those whose key ends in .json. */
    readonly names: Effect.Effect<ReadonlyArray<string>, ApiError>
  }
>() {
  static readonly layer = (
    keys: Keys
  ): Layer.Layer<JobFinder, never, Consul | JobArchive | LiveSettings | Statuses | StatusWatch> =>
    Layer.effect(JobFinder, make(keys))
}

const make = Effect.fnUntraced(function* (keys: Keys) {
  const archive = yield* JobArchive
  const consul = yield* Consul
  const statuses = yield* Statuses
  const watch = yield* StatusWatch
  const { current } = yield* LiveSettings

  const ofName = (name: string) => Effect.map(statuses.latest(name), foundBy)

  /** Of a run that its record has replaced only the newer one's status is kept. */
  const ofRun = Effect.fnUntraced(function* (jobId: string) {
    const name = yield* watch.nameOf(jobId)
    if (Option.isNone(name)) return Option.none<FoundJob>()
    return Option.filter(yield* ofName(name.value), ({ status }) => status.job_id === jobId)
  })

  const ofArchive = (id: string) =>
    Effect.map(
      archive.get(id),
      Option.map(({ status }): FoundJob => ({ status, index: 0, archived: true }))
    )

  /** The status that the leader is about to write. */
  const ofRecord = Effect.fnUntraced(function* (name: string) {
    const entry = yield* consul.get(`${keys.jobs}${name}`)
    if (Option.isNone(entry)) return Option.none<FoundJob>()
    const { modifyIndex, value } = entry.value
    const now = yield* Clock.currentTimeMillis
    const { policy } = yield* current
    const record = decodeRecord(new TextDecoder().decode(value))
    const status =
      record._tag === "Right"
        ? unnamed(beginRun({ ...policy, installation: "" }, name, 1, record.right, [], now))
        : refuseRun(name, 1, "", "InvalidSpec", faultsText(record.left), [], now)
    return Option.some<FoundJob>({ status, index: modifyIndex, archived: false })
  })

  /** Only of a record that came over HTTP the run's id is known before the leader has given it. */
  const unnamed = (status: Status): Status => {
    if (isUuid(status.name)) return status
    const { job_id: _id, temporary_image: _image, ...rest } = status
    return { ...rest, images: [], events: [] }
  }

  const otherPlaces = [ofRun, ofArchive, ofRecord]

  const findElsewhere = Effect.fnUntraced(function* (id: string) {
    for (const look of otherPlaces) {
      const found = yield* look(id)
      if (Option.isSome(found)) return found
    }
    // That a job isn't there nobody is told by plain reads alone: a Consul server that has just begun to lead may answer them
    // before it has its store together, and a consistent one only then.
    yield* consul.get(keys.status(id), { consistent: true })
    for (const look of [ofName, ofRun]) {
      const found = yield* look(id)
      if (Option.isSome(found)) return found
    }
    // A job moves to the archive in one transaction: it may also have done so between two looks.
    return yield* ofArchive(id)
  })

  return JobFinder.of({
    names: Effect.map(consul.keys(keys.jobs), ({ value }) =>
      value.flatMap((key) => {
        const name = Option.getOrElse(recordName(keys.jobs, key), () => "")
        return key === `${keys.jobs}${name}` && name !== "" ? [name] : []
      })
    ),
    tell: (name, then) =>
      statuses.tell(name, (read) => then(Exit.isSuccess(read) ? foundBy(read.value) : Option.none())),
    // Most are found by their name, at little more cost than that of the read.
    find: (id) =>
      Effect.flatMap(ofName(id), (found) => (Option.isSome(found) ? Effect.succeed(found) : findElsewhere(id)))
  })
})

/** The job that a status tells of. */
export const foundBy = ({ modifyIndex, status }: StatusRead): Option.Option<FoundJob> =>
  Option.map(status, (found) => ({ status: found, index: modifyIndex, archived: false }))
