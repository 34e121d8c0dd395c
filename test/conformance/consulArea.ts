import { Effect, Fiber, type Scope } from "effect"
import type { Consul, Indexed } from "../../src/consul/Consul.ts"
import type { ApiError } from "../../src/http/ApiError.ts"
import { type HttpRequest, makeEndpoint, type TransportError } from "../../src/http/Transport.ts"
import { consulClient } from "../support/consulClient.ts"

export interface RawAnswer {
  readonly status: number
  readonly text: string
  /** X-Consul-Index; NaN without one. */
  readonly index: number
}

/** What one test has to itself: a client, raw requests for what the client would not send, and keys. */
export interface Area {
  readonly consul: Consul["Type"]
  readonly raw: (
    method: "GET" | "PUT" | "DELETE" | "POST",
    path: string,
    options?: Pick<HttpRequest, "query" | "body">
  ) => Effect.Effect<RawAnswer, TransportError>
  /** Ends in `/`; nothing else writes below it, and it is emptied afterwards. */
  readonly prefix: string
  /** For names of sessions, checks and services. */
  readonly id: string
}

let areas = 0

export const area = (address: string): Effect.Effect<Area, never, Scope.Scope> =>
  Effect.gen(function* () {
    const id = `conformance-${process.pid}-${++areas}`
    const consul = yield* consulClient({ origin: address })
    const endpoint = yield* makeEndpoint({ origin: address })
    const prefix = `${id}/`
    yield* Effect.addFinalizer(() => Effect.ignore(consul.deleteTree(prefix)))
    return {
      consul,
      prefix,
      id,
      raw: (method, path, options) =>
        Effect.map(
          endpoint.request({ method, path, timeout: "15 seconds", ...options }),
          ({ body, headers, status }) => ({
            status,
            text: new TextDecoder().decode(body).trim(),
            index: Number(headers["x-consul-index"])
          })
        )
    }
  })

/** A transaction's body as the client would not send it. */
export const setAll = (keys: ReadonlyArray<string>, value = ""): string =>
  JSON.stringify(keys.map((key) => ({ KV: { Verb: "set", Key: key, Value: value } })))

export const utf8 = (value: Uint8Array): string => new TextDecoder().decode(value)

/**
 * Starts `blocked`, gives it time to arrive and makes the change. Returns what the blocked query answered.
 */
export const wokenBy = <A, E, E2>(blocked: Effect.Effect<A, E>, change: Effect.Effect<unknown, E2>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.fork(blocked)
    yield* Effect.sleep("150 millis")
    yield* change
    return yield* Fiber.join(fiber)
  })

/** Repeats a reading until it holds: what servers do on their own time has no event to wait for. */
export const eventually = <A, E>(
  what: string,
  read: Effect.Effect<A, E>,
  holds: (value: A) => boolean,
  withinMs: number
): Effect.Effect<A, E> =>
  Effect.gen(function* () {
    for (let waited = 0; ; waited += 50) {
      const value = yield* read
      if (holds(value)) return value
      if (waited > withinMs) return yield* Effect.dieMessage(`within ${withinMs} ms: ${what}`)
      yield* Effect.sleep("50 millis")
    }
  })

export const valueOf = <A>(reading: Effect.Effect<Indexed<A>, ApiError>): Effect.Effect<A, ApiError> =>
  Effect.map(reading, ({ value }) => value)
