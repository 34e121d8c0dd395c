import { createHmac } from "node:crypto"
import type { Delivery } from "./Delivery.ts"

/** What a receiver may be told in confidence: in clear, Vault's references resolved. */
export interface Confidence {
  readonly secret?: string
  readonly headers: Readonly<Record<string, string>>
}

/**
 * The headers of one try. The job's own may replace the first two and no other: those that frame a message would break it,
 * and those that prove where it comes from are ours to give.
 *
 * `seconds` is when it is sent, since the epoch: signed together with the body, so that a recorded delivery can't be
 * replayed for ever.
 */
export const deliveryHeaders = (
  { body, envelope }: Delivery,
  { headers, secret }: Confidence,
  seconds: number
): Readonly<Record<string, string>> => ({
  "content-type": "application/json",
  "user-agent": "nomad-build-service/1.0",
  ...Object.fromEntries(
    Object.entries(headers)
      .map(([name, value]) => [name.toLowerCase(), value] as const)
      .filter(([name]) => !reserved.test(name))
  ),
  "x-webhook-event": envelope.event,
  "x-webhook-delivery": envelope.delivery_id,
  "x-webhook-timestamp": String(seconds),
  ...(secret === undefined
    ? {}
    : {
        "x-webhook-signature": `sha256=${hmac(secret, body)}`,
        "x-webhook-signature-timestamped": `sha256=${hmac(secret, Buffer.from(`${seconds}.`), body)}`
      })
})

const reserved =
  /^(?:x-webhook-.*|host|connection|content-length|transfer-encoding|keep-alive|upgrade|te|trailer|expect|proxy-.*)$/

const hmac = (secret: string, ...parts: ReadonlyArray<Uint8Array>): string => {
  const mac = createHmac("sha256", secret)
  for (const part of parts) mac.update(part)
  return mac.digest("hex")
}
