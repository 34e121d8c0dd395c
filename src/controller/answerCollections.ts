import { Clock, Effect, Option } from "effect"
import { Consul } from "../consul/Consul.ts"
import { TxnOp, TxnResult } from "../consul/Transaction.ts"
import { type ApiError, Conflict } from "../http/ApiError.ts"
import type { Lease } from "../leader/LeaderLock.ts"
import { Nomad } from "../nomad/Nomad.ts"
import {
  type CollectionPlan,
  collectionsValue,
  type CollectionsValue,
  namedAtMost,
  withAnswers
} from "../store/CollectionsValue.ts"
import type { Keys } from "../store/keys.ts"
import type { Requests } from "../store/Requests.ts"
import { jobIdIn } from "./Child.ts"
import type { OrphanCollector, Planned, Swept } from "./Orphans.ts"

export interface CollectionOptions {
  readonly keys: Keys
  readonly lease: Lease
  readonly requests: Requests["Type"]
}

type Round = Effect.Effect<"done" | "more", ApiError, Consul | Nomad>

/**
 * One sweep, on behalf of all who had asked for one when it began; `more` have asked, or must be answered once more.
 *
 * What the sweep is about to do is in the store before it is done, and the answer goes there in the transaction that
 * removes the requests: a leader that dies in between leaves the requests to the next one, which finds in the plan what
 * was done and in Nomad what came of it.
 */
export const answerCollections = (options: CollectionOptions, sweep: OrphanCollector["sweep"]): Round => {
  const answered = onBehalf(options, sweep).pipe(
    Effect.catchAll((error) =>
      Effect.as(Effect.logWarning("requests for a sweep not answered yet", error.message), "more" as const)
    )
  )
  return Effect.suspend(() =>
    options.requests.collections().length > 0 ? answered : Effect.as(sweep(), "done" as const)
  )
}

/** Requests that one transaction answers: Consul takes 64 operations. */
const answeredAtOnce = 40

const onBehalf = Effect.fnUntraced(function* (
  { keys, lease, requests }: CollectionOptions,
  sweep: OrphanCollector["sweep"]
): Effect.fn.Return<"done" | "more", ApiError, Consul | Nomad> {
  // Before Nomad is asked: what was there when somebody asked is swept up for them.
  const asked = requests.collections()
  const consul = yield* Consul
  const stored = yield* consul.get(keys.collections, { consistent: true })
  const before = Option.getOrElse(
    Option.flatMap(stored, ({ value }) => collectionsValue.decode(value)),
    (): CollectionsValue => ({ answers: [] })
  )
  let index = Option.match(stored, { onNone: () => 0, onSome: ({ modifyIndex }) => modifyIndex })

  const write = Effect.fnUntraced(function* (value: CollectionsValue, handled: ReadonlyArray<string>) {
    const result = yield* consul.transaction([
      ...Option.toArray(lease.fence),
      TxnOp.Cas({ key: keys.collections, value: collectionsValue.encode(value), index }),
      ...handled.map((id) => TxnOp.Delete({ key: keys.request(id) }))
    ])
    if (TxnResult.$is("RolledBack")(result)) {
      const detail = result.errors.map(({ what }) => what).join("; ")
      return yield* new Conflict({ system: "consul", operation: "write of the collections", detail })
    }
    index = result.results.find(({ key }) => key === keys.collections)?.modifyIndex ?? 0
  })

  // The table of requests may lag behind an answer.
  const known = new Set(before.answers.flatMap(({ requests: ids }) => ids))
  const open = asked.filter((id) => !known.has(id))
  const pending = open.slice(0, answeredAtOnce)
  if (pending.length === 0) return yield* Effect.as(sweep(), "done" as const)
  const carried = before.plan?.requests.some((id) => pending.includes(id)) === true ? before.plan : nothingPlanned
  const swept = yield* sweep((planned) => {
    const plan = merged(carried, planned, pending)
    const idle = planned.stop.length + planned.clean.length === 0
    return idle ? Effect.void : write({ plan, answers: before.answers }, [])
  })
  const done = yield* withCarried(carried, swept)
  const at = yield* Clock.currentTimeMillis
  const jobs = [...new Set([...done.stop, ...done.clean].flatMap((id) => jobIdIn(id) ?? []))].slice(0, namedAtMost)
  const answer = {
    requests: pending,
    jobs,
    stopped: done.stop.length,
    cleaning: done.clean.length,
    failed: swept.failed,
    at
  }
  yield* write({ answers: withAnswers(before.answers, [answer], at) }, pending)
  requests.settle(pending)
  return open.length > pending.length ? "more" : "done"
})

const nothingPlanned: CollectionPlan = { requests: [], stop: [], clean: [] }

const merged = (carried: Planned, planned: Planned, requests: ReadonlyArray<string>): CollectionPlan => ({
  requests,
  stop: union(carried.stop, planned.stop).slice(0, namedAtMost),
  clean: union(carried.clean, planned.clean).slice(0, namedAtMost)
})

/** With what an earlier leader had planned and done: a job that has ended by itself meanwhile is not of it. */
const withCarried = Effect.fnUntraced(function* (
  { clean, stop }: Planned,
  swept: Swept
): Effect.fn.Return<Planned, ApiError, Nomad> {
  const nomad = yield* Nomad
  const holds = (id: string, wanted: (stopped: boolean) => boolean) =>
    Effect.map(
      nomad.job(id),
      Option.exists(({ Stop }) => wanted(Stop))
    )
  const stopped = yield* Effect.filter(stop, (id) => holds(id, (over) => over), { concurrency: 8 })
  const cleaning = yield* Effect.filter(clean, (id) => holds(id, () => true), { concurrency: 8 })
  return { stop: union(swept.stopped, stopped), clean: union(swept.cleaning, cleaning) }
})

const union = (some: ReadonlyArray<string>, others: ReadonlyArray<string>): ReadonlyArray<string> => [
  ...new Set([...some, ...others])
]
