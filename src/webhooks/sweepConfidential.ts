import { Duration, Effect, Option } from "effect"
import { Consul } from "../consul/Consul.ts"
import { TxnOp } from "../consul/Transaction.ts"
import type { ApiError } from "../http/ApiError.ts"
import type { Lease } from "../leader/LeaderLock.ts"
import { JobArchive } from "../store/JobArchive.ts"
import type { Keys } from "../store/keys.ts"
import { decodeDelivery } from "./Delivery.ts"

/**
 * Deletes what signed the deliveries of runs that are over, for one term of office. What belongs to a job that came over HTTP
 * stays for as long as the job can be built again: until the archive forgets it.
 */
export const sweepConfidential = Effect.fn("sweepConfidential")(function* (
  keys: Keys,
  lease: Lease,
  isLive: (id: string) => boolean
): Effect.fn.Return<never, never, Consul | JobArchive> {
  let suspects: ReadonlySet<string> = new Set()
  for (;;) {
    yield* Effect.sleep(sweepEvery)
    suspects = yield* sweepOnce(keys, lease, isLive, suspects).pipe(
      Effect.catchAll((error) =>
        Effect.as(Effect.logWarning("webhook secrets were not tidied", error.message), suspects)
      )
    )
  }
})

const sweepEvery = Duration.minutes(10)

/** Nothing is deleted at first sight: what belongs to it may be on its way into the store. Answers with what it saw for the first time. */
export const sweepOnce = Effect.fnUntraced(function* (
  keys: Keys,
  { fence }: Lease,
  isLive: (id: string) => boolean,
  before: ReadonlySet<string>
): Effect.fn.Return<ReadonlySet<string>, ApiError, Consul | JobArchive> {
  const consul = yield* Consul
  const prefix = keys.confidential("")
  const { value: names } = yield* consul.keys(prefix)
  const dead = names.map((key) => key.slice(prefix.length)).filter((id) => !isLive(id))
  if (dead.length === 0) return new Set()
  const needed = yield* neededBeside(keys)
  const suspects = dead.filter((id) => !needed.has(id))
  yield* Effect.forEach(
    suspects.filter((id) => before.has(id)),
    (id) => consul.transaction([...Option.toArray(fence), TxnOp.Delete({ key: keys.confidential(id) })]),
    { discard: true }
  )
  return new Set(suspects.filter((id) => !before.has(id)))
})

/** By deliveries that are still to be sent, and by archived jobs. */
const neededBeside = Effect.fnUntraced(function* (keys: Keys) {
  const consul = yield* Consul
  const archive = yield* JobArchive
  const { value } = yield* consul.list(keys.outbox, { consistent: true })
  const sent = value.flatMap((entry) =>
    Option.toArray(
      Option.flatMap(decodeDelivery(entry.value), ({ envelope }) => Option.fromNullable(envelope.confidential))
    )
  )
  const archived = (yield* archive.index).flatMap(({ jobId, name }) => [jobId, name])
  return new Set([...sent, ...archived])
})
