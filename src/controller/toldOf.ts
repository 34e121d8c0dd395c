import { Effect, Option } from "effect"
import type { Consul } from "../consul/Consul.ts"
import { type Confidential, withoutConfidential } from "../domain/encodeRecord.ts"
import type { Status } from "../domain/Status.ts"
import type { ApiError } from "../http/ApiError.ts"
import type { Keys } from "../store/keys.ts"
import type { LogArchive } from "../store/LogArchive.ts"
import type { StoredRecord } from "../store/RecordTable.ts"
import type { WriteGuard } from "../store/Statuses.ts"
import { deliveriesOf, type Transition } from "../webhooks/deliveriesOf.ts"

/**
 * What a write of a status puts into the store for the receivers of its webhook. A run keeps what signs its deliveries from
 * its beginning on: its record may say something else by the time they are sent, or be deleted.
 */
export const toldOf = (
  keys: Keys,
  transition: Omit<Transition, "confidential">,
  record: Option.Option<StoredRecord>
): Effect.Effect<Pick<WriteGuard, "confidential" | "deliveries">, ApiError, Consul | LogArchive> => {
  const { after, before } = transition
  const begins = !Option.exists(before, ({ job_id: id }) => id === after.job_id)
  const value = begins ? Option.flatMap(record, (stored) => confidentialOf(stored, after)) : Option.none()
  const confidential = Option.isSome(value) ? Option.fromNullable(after.job_id) : Option.none()
  return Effect.map(deliveriesOf(keys, { ...transition, confidential }), (deliveries) => ({
    deliveries,
    ...(Option.isSome(value) && Option.isSome(confidential)
      ? { confidential: { id: confidential.value, value: value.value } }
      : {})
  }))
}

const confidentialOf = ({ view }: StoredRecord, { config, hash }: Status): Option.Option<Confidential> =>
  view._tag === "Valid" && view.desired.hash === hash && config?.webhook_url !== undefined
    ? Option.fromNullable(withoutConfidential(view.desired.job).confidential)
    : Option.none()
