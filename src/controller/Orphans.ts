import { Array as Arr, Clock, Duration, Effect, Option } from "effect"
import type { Consul } from "../consul/Consul.ts"
import type { ApiError } from "../http/ApiError.ts"
import { isLastStatus } from "../nomad/Allocation.ts"
import type { JobStub } from "../nomad/Job.ts"
import { cleanupId } from "../domain/childIds.ts"
import { Nomad } from "../nomad/Nomad.ts"
import type { Keys } from "../store/keys.ts"
import { type Owner, ownerOf } from "../store/Owner.ts"
import type { Settings } from "../store/Settings.ts"
import { type Child, childOf, childPrefixes, looksLikeChild } from "./Child.ts"
import { isAbandoned, judgeOrphan } from "./judgeOrphan.ts"
import { orphanCleanup, temporaryImageOf } from "./orphanCleanup.ts"

export interface OrphanOptions {
  readonly installation: string
  readonly keys: Keys
  readonly settings: Effect.Effect<Settings>
  /** Whether a record that this process knows claims the job: saves the look into the store, nothing more. */
  readonly isOwned: (nomadJobId: string) => boolean
}

export interface Swept {
  /** Nomad jobs that were told to stop. */
  readonly stopped: ReadonlyArray<string>
  /** Nomad jobs that were registered to remove what dead runs left in the registry. */
  readonly cleaning: ReadonlyArray<string>
  /** What could not be looked at or ended, and is left to the next sweep. */
  readonly failed: number
}

/** What a sweep is about to do, by the ids of the Nomad jobs. */
export interface Planned {
  readonly stop: ReadonlyArray<string>
  readonly clean: ReadonlyArray<string>
}

/** Told of the plan before the first act; its failure ends the sweep with nothing done. */
export type Intend = (planned: Planned) => Effect.Effect<void, ApiError, Needs>

type Needs = Nomad | Consul

export interface OrphanCollector {
  readonly sweep: (intend?: Intend) => Effect.Effect<Swept, ApiError, Needs>
  /** Does its rounds at once, each minute, and when it is woken; the next one soon where one leaves something to do. */
  readonly run: (round: Effect.Effect<"done" | "more", ApiError, Needs>) => Effect.Effect<never, never, Needs>
  readonly wake: Effect.Effect<void>
}

/**
 * Collects what runs in Nomad under this installation's id and has no owner.
 *
 * It needs no grace for what was registered a moment ago. An attempt is in the store before it is registered, and stays
 * there: so a status that is read *after* Nomad was asked, past every cache, shows each rightful child of that list, and
 * what it doesn't show has no right to run, whoever registered it and whoever leads. The verdict is the store's, so even
 * a collector that leads no more does no harm.
 */
export const makeOrphanCollector = Effect.fnUntraced(function* (
  options: OrphanOptions
): Effect.fn.Return<OrphanCollector> {
  const wanted = yield* Effect.makeLatch(false)
  // Answers that can't change: Meta by job, and at which state of a build there was nothing to remove.
  const metas = new Map<string, JobStub["Meta"]>()
  const settled = new Map<string, number>()

  const metaOf = Effect.fnUntraced(function* (stub: JobStub) {
    if (Object.keys(stub.Meta).length > 0) return stub.Meta
    const key = `${stub.ID} ${stub.CreateIndex}`
    const known = metas.get(key)
    if (known !== undefined) return known
    const nomad = yield* Nomad
    const meta = Option.match(yield* nomad.job(stub.ID), { onNone: () => ({}), onSome: ({ Meta }) => Meta })
    metas.set(key, meta)
    return meta
  })

  const children = Effect.gen(function* () {
    const nomad = yield* Nomad
    const lists = yield* Effect.forEach(childPrefixes, (prefix) => nomad.jobs(prefix), { concurrency: 5 })
    const stubs = lists.flatMap(({ value }) => value).filter(({ ID }) => looksLikeChild(ID))
    const present = new Set(stubs.flatMap(({ CreateIndex, ID }) => [ID, `${ID} ${CreateIndex}`]))
    forget(metas, present)
    forget(settled, present)
    const found = yield* Effect.forEach(
      stubs,
      (stub) => Effect.map(metaOf(stub), (meta) => Option.toArray(childOf(options.installation, stub, meta))),
      { concurrency: 8 }
    )
    return found.flat()
  })

  /** After the list, never before it. */
  const ownersOf = (some: ReadonlyArray<Child>) =>
    Effect.map(
      Effect.forEach(
        new Set(some.map(({ record }) => record)),
        (record) =>
          Effect.map(
            survive(`the owner of ${record}`, ownerOf(options.keys, record)),
            (owner) => [record, owner] as const
          ),
        { concurrency: 8 }
      ),
      (owners) => new Map(owners)
    )

  const stop = Effect.fnUntraced(function* (child: Child, why: string) {
    const nomad = yield* Nomad
    // It may have ended since it was listed, by itself.
    const job = yield* nomad.job(child.id)
    if (Option.isNone(job) || job.value.Stop || job.value.Status === "dead") return []
    yield* nomad.stop(child.id)
    yield* Effect.logWarning("orphan stopped").pipe(
      Effect.annotateLogs({ nomadJob: child.id, record: child.record, why })
    )
    return [child.id]
  })

  const clean = Effect.fnUntraced(function* ({ attempt, build, image, siblings }: Leftover, settings: Settings) {
    const nomad = yield* Nomad
    const allocations = (yield* Effect.forEach(siblings, ({ id }) => nomad.allocations(id))).flat()
    // Until the last of them has ended it may push.
    if (allocations.some(({ ClientStatus }) => !isLastStatus(ClientStatus))) return []
    const tasks = allocations.flatMap(({ TaskStates }) => Object.values(TaskStates))
    if (!tasks.some(({ StartedAt }) => Option.isSome(StartedAt))) {
      settled.set(build.id, build.modifyIndex)
      return []
    }
    const job = orphanCleanup(options.installation, settings, build, image, attempt)
    // An earlier sweep got that far.
    yield* Effect.catchTag(nomad.register(job, { createOnly: true }), "Conflict", () => Effect.void)
    yield* Effect.logInfo("removing what a dead run left in the registry").pipe(
      Effect.annotateLogs({ nomadJob: job.ID, record: build.record, image })
    )
    return [job.ID]
  })

  const sweep = Effect.fn("Orphans.sweep")(function* (intend: Intend = () => Effect.void) {
    const all = yield* children
    const settings = yield* options.settings
    const policy = { ...settings.policy, installation: options.installation }
    const now = yield* Clock.currentTimeMillis
    const unclaimed = all.filter(({ id }) => !options.isOwned(id))
    const running = unclaimed.filter(({ over }) => !over)
    const leaving = Arr.dedupeWith(
      unclaimed.flatMap((child) => uncleaned(child, all, settled)),
      (one, other) => one.build.jobId === other.build.jobId
    )
    const owners = yield* ownersOf([...running, ...leaving.map(({ build }) => build)])
    const ownerFor = ({ record }: Child): Option.Option<Owner> =>
      Option.flatten(Option.fromNullable(owners.get(record)))
    const doomed = running.flatMap((child) =>
      Option.match(ownerFor(child), {
        onNone: () => [],
        onSome: (owner) => {
          const why = judgeOrphan(child, owner, policy, now)
          return why === undefined ? [] : [{ child, why }]
        }
      })
    )
    const abandoned = leaving.filter(({ build }) =>
      Option.exists(ownerFor(build), (owner) => isAbandoned(build, owner, policy))
    )
    yield* intend({
      stop: doomed.map(({ child }) => child.id),
      clean: abandoned.map(({ attempt, build }) => cleanupId(build.jobId, attempt))
    })
    const stopped = yield* Effect.forEach(
      doomed,
      ({ child, why }) => survive(`the orphan ${child.id}`, stop(child, why)),
      { concurrency: 4 }
    )
    const cleaning = yield* Effect.forEach(
      abandoned,
      (leftover) => survive(`what ${leftover.build.id} pushed`, clean(leftover, settings)),
      { concurrency: 4 }
    )
    const failed = missing(owners.values()) + missing(stopped) + missing(cleaning)
    return { stopped: given(stopped), cleaning: given(cleaning), failed }
  })

  const run: OrphanCollector["run"] = (round) =>
    Effect.forever(
      wanted.close.pipe(
        Effect.zipRight(survive("Nomad's jobs", round)),
        Effect.tap((outcome) => (Option.contains(outcome, "more") ? wanted.open : Effect.void)),
        Effect.zipRight(Effect.sleep(atMostEvery)),
        Effect.zipRight(Effect.race(wanted.await, Effect.sleep(atLeastEvery)))
      )
    )

  return { sweep, run, wake: Effect.asVoid(wanted.open) }
})

const atLeastEvery = Duration.minutes(1)
const atMostEvery = Duration.seconds(2)

interface Leftover {
  readonly build: Child
  readonly image: string
  /** All builds of the run, since each pushes to the same image. */
  readonly siblings: ReadonlyArray<Child>
  /** Of the Nomad job that is to remove it. */
  readonly attempt: number
}

/** A build that is over, and after whose end nothing was registered that removes its image. */
const uncleaned = (
  child: Child,
  all: ReadonlyArray<Child>,
  settled: ReadonlyMap<string, number>
): ReadonlyArray<Leftover> => {
  const image = temporaryImageOf(child)
  if (child.phase !== "build" || !child.over || image === undefined) return []
  if (settled.get(child.id) === child.modifyIndex) return []
  const cleanups = all.filter(({ jobId, phase }) => phase === "cleanup" && jobId === child.jobId)
  if (cleanups.some(({ createIndex }) => createIndex > child.modifyIndex)) return []
  const siblings = all.filter(({ jobId, phase }) => phase === "build" && jobId === child.jobId)
  if (siblings.some(({ over }) => !over)) return []
  return [{ build: child, image, siblings, attempt: 1 + Math.max(0, ...cleanups.map(({ attempt }) => attempt)) }]
}

const forget = (memory: Map<string, unknown>, present: ReadonlySet<string>): void => {
  for (const key of memory.keys()) if (!present.has(key)) memory.delete(key)
}

const given = (some: ReadonlyArray<Option.Option<ReadonlyArray<string>>>): ReadonlyArray<string> =>
  Arr.getSomes(some).flat()

const missing = (some: Iterable<Option.Option<unknown>>): number => Array.from(some).filter(Option.isNone).length

/** What fails is left to the next sweep, and keeps nothing else waiting. */
const survive = <A, R>(
  what: string,
  effect: Effect.Effect<A, ApiError, R>
): Effect.Effect<Option.Option<A>, never, R> =>
  effect.pipe(
    Effect.asSome,
    Effect.catchAll((error) =>
      Effect.as(
        Effect.logWarning("orphans: not looked at").pipe(Effect.annotateLogs({ what, why: error.message })),
        Option.none()
      )
    )
  )
