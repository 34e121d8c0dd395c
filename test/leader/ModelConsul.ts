import { Clock, Effect, Layer, Option, Ref, Stream, SubscriptionRef } from "effect"
import { Consul, type Indexed, type KvEntry } from "../../src/consul/Consul.ts"
import { type ApiError, Conflict, Denied, NotFound, Unavailable } from "../../src/http/ApiError.ts"

export type Call = "beat" | "confirm" | "acquire" | "register" | "session" | "renew" | "release"

/** What a call meets: an answer after so many ms, a failure, or silence for ever. */
export type Weather = number | ApiError | "silence"

const operation = { system: "consul", operation: "a test", detail: "" } as const
export const noLeader = new Unavailable({ ...operation, detail: "No cluster leader" })
export const unknownCheck = new NotFound(operation)
export const denied = new Denied(operation)

/** One key of a Consul on virtual time, with the weather that the test makes for each call. */
export const modelConsul = Effect.gen(function* () {
  const key = yield* SubscriptionRef.make<Indexed<Option.Option<KvEntry>>>({ index: 1, value: Option.none() })
  const weather = new Map<Call, Weather>()
  const calls = yield* Ref.make<ReadonlyArray<{ readonly call: Call; readonly at: number }>>([])
  let sessions = 0
  let barredUntil = 0

  const meet = <A>(call: Call, effect: Effect.Effect<A, ApiError>): Effect.Effect<A, ApiError> =>
    Effect.gen(function* () {
      const at = yield* Clock.currentTimeMillis
      yield* Ref.update(calls, (all) => [...all, { call, at }])
      const fate = weather.get(call) ?? 0
      if (fate === "silence") return yield* Effect.never
      if (typeof fate !== "number") return yield* Effect.fail(fate)
      yield* Effect.sleep(fate)
      return yield* effect
    })

  const holder = Effect.map(SubscriptionRef.get(key), ({ value }) =>
    Option.flatMapNullable(value, ({ session }) => session)
  )
  /** The key changes hands by nobody's request of this client. */
  const held = (session: string | undefined, value = "") =>
    SubscriptionRef.update(key, ({ index }) => ({
      index: index + 1,
      value: Option.some<KvEntry>({
        key: "leader",
        value: new TextEncoder().encode(value),
        createIndex: 1,
        modifyIndex: index + 1,
        lockIndex: 1,
        flags: 0,
        ...(session === undefined ? {} : { session })
      })
    }))

  const layer = Layer.mock(Consul, {
    registerService: () => meet("register", Effect.void),
    deregisterService: () => Effect.void,
    createSession: ({ ttl }) =>
      meet(
        "session",
        Effect.sync(() => `session-${(sessions += 1)}${ttl === undefined ? "" : "-ttl"}`)
      ),
    destroySession: () => Effect.void,
    updateTtlCheck: () => meet("beat", Effect.void),
    renewSession: () => meet("renew", Effect.fail(new Conflict(operation))),
    get: () =>
      meet(
        "confirm",
        Effect.map(SubscriptionRef.get(key), ({ value }) => value)
      ),
    acquire: (_key, value, session) =>
      meet(
        "acquire",
        Effect.gen(function* () {
          const now = yield* Clock.currentTimeMillis
          const by = yield* holder
          if (now < barredUntil || (Option.isSome(by) && by.value !== session)) return false
          yield* held(session, new TextDecoder().decode(Buffer.from(value)))
          return true
        })
      ),
    release: (_key, session) =>
      meet(
        "release",
        Effect.flatMap(holder, (by) =>
          Option.contains(by, session) ? Effect.as(held(undefined), true) : Effect.succeed(false)
        )
      ),
    watchKey: () => Stream.map(key.changes, (state) => state)
  })

  return {
    layer,
    held,
    holder,
    make: (call: Call, fate: Weather) => Effect.sync(() => weather.set(call, fate)),
    clear: Effect.sync(() => weather.clear()),
    barFor: (ms: number) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        barredUntil = now + ms
      }),
    count: (call: Call) => Effect.map(Ref.get(calls), (all) => all.filter((one) => one.call === call).length),
    last: (call: Call) => Effect.map(Ref.get(calls), (all) => all.findLast((one) => one.call === call)?.at ?? 0)
  }
})
