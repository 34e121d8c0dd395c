import { HttpServerRequest } from "@effect/platform"
import { Effect, Option, type Scope } from "effect"
import { anybody, Caller } from "./Caller.ts"
import { type LimitReached, Limits } from "./Limits.ts"

/** Where a request comes from. */
export const addressKey = Effect.map(HttpServerRequest.HttpServerRequest, ({ remoteAddress }) =>
  keyOfAddress(Option.getOrUndefined(remoteAddress))
)

export const keyOfAddress = (address: string | undefined): string => `address ${address ?? "unknown"}`

/** Whose limits a request counts against: a caller's wherever it calls from, or an address's where callers are not known. */
export const callerKey = Effect.flatMap(Caller, (caller) =>
  caller === anybody ? addressKey : Effect.succeed(caller.name)
)

/**
 * A place among those who wait, for as long as the request goes on. It is for whatever answers long polls, event streams
 * and sockets to take: a request can't be told from outside to be one.
 */
export const takePlace: Effect.Effect<void, LimitReached, HttpServerRequest.HttpServerRequest | Limits | Scope.Scope> =
  Effect.flatMap(callerKey, (key) => takePlaceAs(key))

/** The same for whoever has this key. */
export const takePlaceAs = (key: string): Effect.Effect<void, LimitReached, Limits | Scope.Scope> =>
  Effect.flatMap(Limits, ({ waiter }) => waiter(key))
