import { createHmac } from "node:crypto"
import type { ServerResponse } from "node:http"
import { assert } from "@effect/vitest"
import { Effect, Option, type Scope } from "effect"
import type { Consul } from "../../src/consul/Consul.ts"
import { keysBelow } from "../../src/store/keys.ts"
import { eventually } from "../support/eventually.ts"
import { scriptedServer, type ScriptedServer, type Seen } from "../support/ScriptedServer.ts"

const keys = keysBelow("jobforge-service")

/** One that takes deliveries, and answers the n-th request, from 0 on, as the test says. */
export interface Receiver extends ScriptedServer {
  readonly url: string
  readonly events: () => ReadonlyArray<string>
}

export const receiver = (
  answer: (at: number, seen: Seen, response: ServerResponse) => void = (_at, _seen, response) => response.end()
): Effect.Effect<Receiver, never, Scope.Scope> =>
  Effect.suspend(() => {
    let at = 0
    return Effect.map(
      scriptedServer((seen, response) => answer(at++, seen, response)),
      (server): Receiver => ({
        ...server,
        url: `${server.origin}/hook?token=t`,
        events: () => server.seen.map(eventOf)
      })
    )
  })

export const eventOf = ({ headers }: Seen): string => String(headers["x-webhook-event"])

export const bodyOf = ({ body }: Seen) => JSON.parse(body)

const hmac = (secret: string, text: string) => `sha256=${createHmac("sha256", secret).update(text).digest("hex")}`

/** As a receiver does it that takes nothing on trust. */
export const assertSigned = ({ body, headers }: Seen, secret: string): void => {
  assert.strictEqual(headers["x-webhook-signature"], hmac(secret, body))
  const seconds = String(headers["x-webhook-timestamp"])
  assert.isBelow(Math.abs(Date.now() / 1000 - Number(seconds)), 60)
  assert.strictEqual(headers["x-webhook-signature-timestamped"], hmac(secret, `${seconds}.${body}`))
  assert.strictEqual(headers["x-webhook-delivery"], JSON.parse(body).delivery_id)
  assert.strictEqual(headers["x-webhook-event"], JSON.parse(body).event)
}

export const outboxIsEmpty = (consul: Consul["Type"]): Effect.Effect<void> =>
  eventually(
    "the outbox is empty",
    Effect.map(Effect.orDie(consul.keys(keys.outbox)), ({ value }) => value.length === 0)
  )

export const valueOf = (consul: Consul["Type"], key: string): Effect.Effect<string> =>
  Effect.map(
    Effect.orDie(consul.get(key)),
    Option.match({ onNone: () => "", onSome: ({ value }) => new TextDecoder().decode(value) })
  )
