import { Effect, Option, Schema } from "effect"
import { Consul } from "../consul/Consul.ts"
import { TxnOp } from "../consul/Transaction.ts"
import { Timestamp } from "../domain/Status.ts"
import type { ApiError } from "../http/ApiError.ts"
import type { Keys } from "./keys.ts"
import { storedJson } from "./storedJson.ts"

const Use = Schema.Struct({ job_id: Schema.String, fingerprint: Schema.String, at: Timestamp })

/** The value of a submit key: the job that it made, and a hash of what was submitted with it. */
export type SubmitKey = typeof Use.Type
export const SubmitKey = storedJson(Use)

/** Milliseconds for which a submit key is remembered. */
export const submitKeyLife = 24 * 3_600_000

/** Forgets the keys that are too old; answers with their number. */
export const pruneSubmitKeys = Effect.fn("pruneSubmitKeys")(function* (
  keys: Keys,
  fence: Option.Option<TxnOp>,
  now: number
): Effect.fn.Return<number, ApiError, Consul> {
  const consul = yield* Consul
  const { value } = yield* consul.list(keys.idempotency)
  const old = value.filter((entry) =>
    Option.match(SubmitKey.decode(entry.value), { onNone: () => true, onSome: ({ at }) => now - at > submitKeyLife })
  )
  yield* Effect.forEach(
    old,
    ({ key, modifyIndex }) =>
      consul.transaction([...Option.toArray(fence), TxnOp.DeleteCas({ key, index: modifyIndex })]),
    { discard: true }
  )
  return old.length
})
