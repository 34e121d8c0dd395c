import type { FileSystem } from "@effect/platform/FileSystem"
import { Cache, Context, Data, Duration, Effect, Exit, Layer, Option, Redacted } from "effect"
import { ActingToken } from "../consul/ActingToken.ts"
import { Consul } from "../consul/Consul.ts"
import { LiveSettings } from "../store/LiveSettings.ts"
import type { CallerView } from "./Caller.ts"
import { makeTokenBook } from "./TokenBook.ts"

/** Who asks is not known. */
export class Unauthenticated extends Data.TaggedError("Unauthenticated")<{
  /** `none`: no token came. `unknown`: one that nobody here gave out. `undecided`: Consul can't say now. */
  readonly why: "none" | "unknown" | "undecided"
  readonly detail: string
}> {
  override get message(): string {
    return this.detail
  }
}

export interface Identity {
  /** None: authentication is off. */
  readonly caller: Option.Option<CallerView>
  /** The token that everything in Consul is done with for this request; none: the service's own. */
  readonly acting: Option.Option<Redacted.Redacted>
}

/** Finds out whom a request comes from, by the mode that the operator chose. */
export class Authentication extends Context.Tag("jobforge/server/Authentication")<
  Authentication,
  {
    /** Takes a request's headers, with names in lower case. */
    readonly identify: (
      headers: Readonly<Record<string, string | undefined>>
    ) => Effect.Effect<Identity, Unauthenticated>
  }
>() {
  static readonly layer: Layer.Layer<Authentication, never, Consul | FileSystem | LiveSettings> = Layer.suspend(() =>
    Layer.scoped(Authentication, make)
  )
}

const make = Effect.gen(function* () {
  const { current } = yield* LiveSettings
  const access = Effect.map(current, (settings) => settings.access)
  switch ((yield* access).mode) {
    case "off":
      return Authentication.of({ identify: () => Effect.succeed(nobodyAsked) })
    case "token": {
      const book = yield* makeTokenBook(access)
      return Authentication.of({
        identify: Effect.fnUntraced(function* (headers) {
          const token = yield* bearerOf(headers)
          const caller = yield* book.find(token)
          if (Option.isNone(caller)) return yield* unknown
          return { caller, acting: Option.none() }
        })
      })
    }
    case "consul": {
      const look = yield* makeConsulLook
      return Authentication.of({
        identify: Effect.fnUntraced(function* (headers) {
          // An empty one would be taken for the service's own.
          const token = yield* headers["x-consul-token"] === undefined
            ? bearerOf(headers)
            : bearerOf({ authorization: `Bearer ${headers["x-consul-token"]}` })
          const caller = yield* look(token)
          return { caller: Option.some(caller), acting: Option.some(Redacted.make(token)) }
        })
      })
    }
  }
})

const nobodyAsked: Identity = { caller: Option.none(), acting: Option.none() }

const unknown = new Unauthenticated({ why: "unknown", detail: "the token is not known here" })

const bearerOf = (headers: Readonly<Record<string, string | undefined>>): Effect.Effect<string, Unauthenticated> => {
  // What a header can carry as a token, and no more of it than anybody needs.
  const [, token] = /^Bearer +([!-~]{1,4096}) *$/i.exec(headers["authorization"] ?? "") ?? []
  return token === undefined
    ? Effect.fail(new Unauthenticated({ why: "none", detail: "send a token as Authorization: Bearer TOKEN" }))
    : Effect.succeed(token)
}

/** Consul says whom a token stands for; for a moment it need not be asked again. What it may do, Consul decides each time. */
const makeConsulLook = Effect.gen(function* () {
  const consul = yield* Consul
  // Tokens that nobody knows are never remembered, and whoever makes them up must not keep Consul busy.
  const lookups = yield* Effect.makeSemaphore(lookupsAtOnce)
  const cache = yield* Cache.makeWith({
    capacity: 4096,
    timeToLive: (exit: Exit.Exit<CallerView, Unauthenticated>) => (Exit.isSuccess(exit) ? remembered : Duration.zero),
    lookup: (token: string) =>
      consul.tokenSelf().pipe(
        lookups.withPermits(1),
        Effect.provideService(ActingToken, Option.some(Redacted.make(token))),
        Effect.map(({ accessorId }): CallerView => ({ name: `consul:${accessorId}`, role: "admin", owners: "all" })),
        Effect.mapError((error) => {
          if (error._tag !== "Denied") {
            return new Unauthenticated({ why: "undecided", detail: "Consul does not answer whom the token is of" })
          }
          return /support disabled/i.test(error.detail)
            ? new Unauthenticated({
                why: "undecided",
                detail:
                  "AUTH_MODE is consul, and Consul's ACLs are switched off: switch them on, or choose another mode"
              })
            : unknown
        })
      )
  })
  return (token: string) => cache.get(token)
})

const remembered = Duration.seconds(10)
const lookupsAtOnce = 16
