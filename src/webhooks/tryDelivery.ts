import { Clock, DateTime, Duration, Effect, Option } from "effect"
import type { Consul } from "../consul/Consul.ts"
import { type GuardedAnswer, GuardedHttp } from "../http/GuardedHttp.ts"
import type { Keys } from "../store/keys.ts"
import { LiveSettings } from "../store/LiveSettings.ts"
import type { Vault } from "../vault/Vault.ts"
import { confidenceOf } from "./confidenceOf.ts"
import type { Delivery } from "./Delivery.ts"
import { deliveryHeaders } from "./deliveryHeaders.ts"
import { Failed, GivenUp, type Unsent } from "./Unsent.ts"

/** Sends a delivery once. It has arrived when the receiver says so with a status of 200 to 299 within 30 s. */
export const tryDelivery = Effect.fn("tryDelivery")(function* (
  keys: Keys,
  delivery: Delivery
): Effect.fn.Return<void, Unsent, Consul | GuardedHttp | LiveSettings | Vault> {
  const http = yield* GuardedHttp
  const { current } = yield* LiveSettings
  const { webhookAllow: allow } = yield* current
  const confidence = yield* confidenceOf(keys, delivery)
  const now = yield* Clock.currentTimeMillis
  const answer = yield* http
    .post({
      url: delivery.envelope.url,
      headers: deliveryHeaders(delivery, confidence, Math.floor(now / 1000)),
      body: delivery.body,
      allow,
      timeout
    })
    .pipe(
      Effect.catchTags({
        TargetRefused: ({ detail }) => new GivenUp({ detail, refused: true }),
        TransportError: ({ detail }) => new Failed({ detail })
      })
    )
  yield* judge(answer, now)
})

const timeout = Duration.seconds(30)

const judge = ({ retryAfter, status }: GuardedAnswer, now: number): Effect.Effect<void, Failed | GivenUp> => {
  if (status >= 200 && status < 300) return Effect.void
  if (status === 410) return new GivenUp({ detail: "the receiver answers 410: it is gone for good" })
  const detail =
    status >= 300 && status < 400
      ? `the receiver answers ${status}: redirects are not followed, name where it leads to`
      : `the receiver answers ${status}`
  return new Failed({
    detail,
    ...Option.match(
      Option.flatMap(retryAfter, (text) => pauseOf(text, now)),
      {
        onNone: () => ({}),
        onSome: (pause) => ({ retryAfter: pause })
      }
    )
  })
}

/** Seconds or a date (RFC 9110, 10.2.3), but no more than the sender is willing to wait. */
const pauseOf = (text: string, now: number): Option.Option<Duration.Duration> => {
  const asked = /^[0-9]{1,9}$/.test(text)
    ? Option.some(Number(text) * 1000)
    : Option.map(DateTime.make(text), (date) => DateTime.toEpochMillis(date) - now)
  return Option.map(asked, (millis) => Duration.millis(Math.min(Math.max(0, millis), longestPause)))
}

const longestPause = 5 * 60_000
