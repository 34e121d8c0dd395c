import { Option, Schema } from "effect"
import { Timestamp } from "../domain/Status.ts"
import type { WebhookEvent } from "../domain/webhookEvents.ts"

/** What the sender must know of a delivery beside its body. */
const Envelope = Schema.Struct({
  url: Schema.String,
  event: Schema.String,
  /** The same however often it is sent. */
  delivery_id: Schema.String,
  job_id: Schema.String,
  /** Under which name the confidential part lies that signs it; missing: there is none. */
  confidential: Schema.optional(Schema.String),
  written_at: Timestamp,
  /** Tries that failed. */
  attempts: Schema.NonNegativeInt,
  /** When it may be tried, next or for the first time. */
  due_at: Timestamp
})
export type Envelope = typeof Envelope.Type

/** One message to a receiver, as the outbox holds it. */
export interface Delivery {
  readonly envelope: Envelope
  /** The very bytes that are sent and signed. */
  readonly body: Uint8Array
}

/** Bytes that a delivery may have in the store, envelope and all. */
export const maxDeliveryBytes = 64 * 1024

/** Bytes that its envelope leaves to the body: a URL has at most 2 KiB. */
export const maxBodyBytes = maxDeliveryBytes - 4 * 1024

/** One line for the envelope, and then the body as it is: inside the JSON it would be another text. */
export const encodeDelivery = ({ body, envelope }: Delivery): Uint8Array =>
  Buffer.concat([Buffer.from(`${encode(envelope)}\n`), body])

/** None for bytes that are no delivery. */
export const decodeDelivery = (value: Uint8Array): Option.Option<Delivery> => {
  const end = value.indexOf(newline)
  if (end === -1) return Option.none()
  return Option.map(decode(new TextDecoder().decode(value.subarray(0, end))), (envelope) => ({
    envelope,
    body: value.subarray(end + 1)
  }))
}

/** The part of its key behind the record's name: run after run, and within a run as things happened. */
export const outboxId = (generation: number, event: WebhookEvent, deliveryId: string): string =>
  `${String(generation).padStart(8, "0")}.${String(order.indexOf(event)).padStart(2, "0")}.${deliveryId}`

/** The record's name that a key below the outbox belongs to. */
export const recordOf = (outbox: string, key: string): string => key.slice(outbox.length, key.lastIndexOf("/"))

const newline = 10

const Json = Schema.parseJson(Envelope)
const encode = Schema.encodeSync(Json)
const decode = Schema.decodeUnknownOption(Json)

const order: ReadonlyArray<WebhookEvent> = [
  "build.started",
  "build.completed",
  "build.failed",
  "test.started",
  "test.completed",
  "test.failed",
  "publish.started",
  "publish.completed",
  "publish.failed",
  "job.completed",
  "job.failed"
]
