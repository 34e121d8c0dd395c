import { Effect, Option, Queue, Schedule, type Scope } from "effect"
import { Consul } from "../consul/Consul.ts"
import { TxnOp, TxnResult } from "../consul/Transaction.ts"
import type { Status } from "../domain/Status.ts"
import { encodeFeed, type FeedEntry, feedLength } from "./FeedValue.ts"
import type { Keys } from "./keys.ts"

/** The leader's side of the feed. */
export interface Feed {
  /** Notes that a status was written. */
  readonly announce: (status: Pick<Status, "name" | "job_id">) => Effect.Effect<void>
}

/**
 * Writes the feed for one term of office: however many statuses change at once, one small write tells of them all.
 *
 * It is not part of the statuses' own transactions, which run side by side and would overwrite each other's news; what a
 * crash leaves untold, the next term's epoch tells.
 */
export const makeFeed = Effect.fnUntraced(function* (
  keys: Keys,
  fence: Option.Option<TxnOp>,
  epoch: string
): Effect.fn.Return<Feed, never, Consul | Scope.Scope> {
  const consul = yield* Consul
  const changed = yield* Queue.unbounded<Pick<FeedEntry, "name" | "job_id">>()
  let entries: ReadonlyArray<FeedEntry> = []
  let seq = 0

  const add = (news: Iterable<Pick<FeedEntry, "name" | "job_id">>) => {
    const fresh = Array.from(news, (entry) => ({ seq: ++seq, ...entry }))
    entries = [...entries, ...fresh].slice(-feedLength)
  }

  const write = Effect.suspend(() =>
    consul.transaction([...Option.toArray(fence), TxnOp.Set({ key: keys.feed, value: encodeFeed({ epoch, entries }) })])
  ).pipe(
    Effect.flatMap((result) =>
      TxnResult.$is("Committed")(result)
        ? Effect.void
        : Effect.logDebug("feed not written", result.errors.map(({ what }) => what).join("; "))
    ),
    Effect.tapError((error) => Effect.logWarning("feed not written", error.message)),
    // There may be no later change that would make up for it.
    Effect.retry(
      Schedule.exponential("100 millis").pipe(Schedule.union(Schedule.spaced("5 seconds")), Schedule.jittered)
    ),
    Effect.orDie
  )

  const next = Queue.take(changed).pipe(
    Effect.flatMap((first) => Effect.map(Queue.takeAll(changed), (rest) => add([first, ...rest]))),
    Effect.zipRight(write),
    Effect.zipRight(Effect.sleep(pause))
  )
  yield* Effect.forkScoped(Effect.zipRight(write, Effect.forever(next)))

  return {
    announce: ({ job_id, name }) =>
      Effect.asVoid(Queue.offer(changed, { name, ...(job_id === undefined ? {} : { job_id }) }))
  }
})

/** Milliseconds between two writes: what changes in between goes together. */
const pause = 20
