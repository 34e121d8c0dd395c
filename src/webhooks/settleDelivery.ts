import { Clock, Duration, Effect, Option, Random, Schedule } from "effect"
import { Consul, type KvEntry } from "../consul/Consul.ts"
import { TxnOp, TxnResult } from "../consul/Transaction.ts"
import type { ApiError } from "../http/ApiError.ts"
import type { GuardedHttp } from "../http/GuardedHttp.ts"
import { family } from "../metrics/families.ts"
import { Metrics } from "../metrics/Metrics.ts"
import type { Keys } from "../store/keys.ts"
import type { LiveSettings } from "../store/LiveSettings.ts"
import type { Vault } from "../vault/Vault.ts"
import { decodeDelivery, type Delivery, encodeDelivery, recordOf } from "./Delivery.ts"
import { hostOf, type Turns } from "./Turns.ts"
import { tryDelivery } from "./tryDelivery.ts"
import type { Unsent } from "./Unsent.ts"

/** What the sender has for one term of office. */
export interface SenderTerm {
  readonly keys: Keys
  readonly fence: Option.Option<TxnOp>
  readonly turns: Turns
}

export type SenderNeeds = Consul | GuardedHttp | LiveSettings | Vault

/**
 * Works on one delivery until it is in the outbox no more. How often it was tried and when it is due next is in the store: a
 * new leader goes on where the former one stopped.
 */
export const settleDelivery = (term: SenderTerm, key: string): Effect.Effect<void, never, SenderNeeds> =>
  lookAt(term, key).pipe(
    Effect.catchAll((error) => Effect.as(Effect.logWarning("webhook not looked at", error.message), false)),
    Effect.flatMap((over) => (over ? Effect.void : Effect.zipRight(Effect.sleep(between), settleDelivery(term, key))))
  )

/** Tries of a delivery. */
const maxAttempts = 3

/** Milliseconds after the first failed try; the second pause is four times as long. Each varies by a quarter. */
const firstPause = 1000

/** Milliseconds until something that is out of reach is looked for again. */
const lookAgain = 5000

/** Milliseconds for which a delivery may wait for that: whoever wanted it has found out otherwise by then. */
const patience = 24 * 3_600_000

const between = Duration.millis(250)

/** Answers whether it is over. A write that was refused is made up for by the next look. */
const lookAt = Effect.fnUntraced(function* (
  term: SenderTerm,
  key: string
): Effect.fn.Return<boolean, ApiError, SenderNeeds> {
  const consul = yield* Consul
  const entry = yield* consul.get(key, { consistent: true })
  if (Option.isNone(entry)) return true
  const delivery = decodeDelivery(entry.value.value)
  if (Option.isNone(delivery)) {
    yield* Effect.logWarning("webhook dropped: it is none").pipe(Effect.annotateLogs({ key }))
    return yield* commit(term, TxnOp.DeleteCas({ key, index: entry.value.modifyIndex }))
  }
  const { envelope } = delivery.value
  return yield* settle(term, entry.value, delivery.value).pipe(
    Effect.annotateLogs({
      record: recordOf(term.keys.outbox, key),
      jobId: envelope.job_id,
      event: envelope.event,
      delivery: envelope.delivery_id,
      receiver: hostOf(envelope.url)
    })
  )
})

const settle = Effect.fnUntraced(function* (term: SenderTerm, { key, modifyIndex }: KvEntry, delivery: Delivery) {
  const { envelope } = delivery
  yield* Effect.sleep(Math.max(0, envelope.due_at - (yield* Clock.currentTimeMillis)))
  const unsent = yield* send(term, delivery)
  // What has arrived is not sent again for want of an answer from the store.
  const remove = Effect.retry(commit(term, TxnOp.DeleteCas({ key, index: modifyIndex })), untilAnswered)
  if (Option.isNone(unsent)) {
    yield* Effect.zipRight(count("delivered"), Effect.logDebug("webhook delivered"))
    return yield* remove
  }
  const attempts = envelope.attempts + 1
  const tell = Effect.annotateLogs({ detail: unsent.value.detail, attempts })
  if (unsent.value._tag === "Failed" && attempts < maxAttempts) {
    yield* Effect.zipRight(count("failed"), tell(Effect.logInfo("webhook not delivered")))
    const due_at = (yield* Clock.currentTimeMillis) + (yield* pauseAfter(unsent.value, attempts))
    const value = encodeDelivery({ ...delivery, envelope: { ...envelope, attempts, due_at } })
    yield* Effect.retry(commit(term, TxnOp.Cas({ key, value, index: modifyIndex })), untilAnswered)
    return false
  }
  const refused = unsent.value._tag === "GivenUp" && unsent.value.refused === true
  yield* Effect.zipRight(count(refused ? "refused" : "given_up"), tell(Effect.logWarning("webhook given up")))
  return yield* remove
})

/** One try; none: it has arrived. What is needed for it and out of reach is waited for, since that is not the receiver's fault. */
const send = (
  term: SenderTerm,
  delivery: Delivery,
  waited = false
): Effect.Effect<Option.Option<Unsent>, never, SenderNeeds> =>
  Effect.matchEffect(term.turns.at(delivery.envelope.url)(tryDelivery(term.keys, delivery)), {
    onSuccess: () => Effect.succeedNone,
    onFailure: Effect.fnUntraced(function* (unsent): Effect.fn.Return<Option.Option<Unsent>, never, SenderNeeds> {
      const age = (yield* Clock.currentTimeMillis) - delivery.envelope.written_at
      if (unsent._tag !== "Postponed" || age > patience) return Option.some(unsent)
      // Once: an outage has its own messages.
      if (!waited) yield* Effect.annotateLogs(Effect.logWarning("webhook waits"), { detail: unsent.detail })
      yield* Effect.sleep(yield* varied(lookAgain))
      return yield* send(term, delivery, true)
    })
  })

/** False: another hand was at it, or this is the leader no more. */
const commit = Effect.fnUntraced(function* ({ fence }: SenderTerm, op: TxnOp) {
  const consul = yield* Consul
  return TxnResult.$is("Committed")(yield* consul.transaction([...Option.toArray(fence), op]))
})

const untilAnswered = Schedule.jittered(Schedule.spaced("1 second"))

const pauseAfter = (unsent: Unsent, attempts: number): Effect.Effect<number> =>
  Effect.map(varied(firstPause * 4 ** (attempts - 1)), (pause) =>
    unsent._tag === "Failed" && unsent.retryAfter !== undefined
      ? Math.max(pause, Duration.toMillis(unsent.retryAfter))
      : pause
  )

/** By a quarter more or less, so that what failed together doesn't come back together. */
const varied = (millis: number): Effect.Effect<number> =>
  Effect.map(Random.nextRange(0.75, 1.25), (factor) => Math.round(millis * factor))

const count = (result: "delivered" | "failed" | "given_up" | "refused"): Effect.Effect<void> =>
  Effect.map(Metrics, (metrics) => metrics.add(family.webhookDeliveries, { result }))
