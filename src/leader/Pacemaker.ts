import { Clock, Context, Deferred, Effect, Layer, Option, Ref, type Scope } from "effect"
import { Consul } from "../consul/Consul.ts"
import type { ApiError } from "../http/ApiError.ts"
import { elapsed, type End, type Instant, unbroken, type Vitals } from "./Vitals.ts"

/** What is to be kept alive, and how. Times in ms. */
export interface PacePlan {
  readonly session: string
  /** The key that the session is after. */
  readonly key: string
  /** The agent's TTL check that the session is bound to; none: the session itself is renewed. */
  readonly check: Option.Option<string>
  /** The session lives so long after a report. */
  readonly ttl: number
  readonly beatEvery: number
  /** How often the servers are asked who holds the key, while leading. */
  readonly confirmEvery: number
  /** When the first report, that of the session's making, was sent. */
  readonly since: Instant
}

/** One session that is kept alive. */
export interface Pulse {
  readonly vitals: Effect.Effect<Vitals>
  /** Done once the vitals have an end. */
  readonly ended: Effect.Effect<void>
  /** From now on the servers are asked too. `confirmed`: the sending of the read by which they first said yes. */
  readonly lead: (confirmed: Instant) => Effect.Effect<void>
  /** Why the last request failed, for the log. */
  readonly trouble: Effect.Effect<Option.Option<string>>
}

/** Keeps a session alive beside whatever else the process does. */
export class Pacemaker extends Context.Tag("jobforge/leader/Pacemaker")<
  Pacemaker,
  {
    /** The clocks by which the pulse's moments are told. */
    readonly now: Effect.Effect<Instant>
    /** Until the scope closes. */
    readonly start: (plan: PacePlan) => Effect.Effect<Pulse, never, Scope.Scope>
  }
>() {
  /** In the program's own loop, on its own clock: for a world whose time is virtual. A busy loop starves it. */
  static readonly layerFiber: Layer.Layer<Pacemaker, never, Consul> = Layer.effect(
    Pacemaker,
    Effect.map(Consul, (consul) => Pacemaker.of({ now: virtualNow, start: (plan) => startFibers(consul, plan) }))
  )
}

/** How long the process may do nothing else before the pacemaker gives the office up for it, in ms. */
export const wedgedAfter = 5000

/** A request that isn't answered within this many ms is tried again: the next may find another server. */
export const patience = 1000

/** Between a failed request and the next, in ms. */
export const retryEvery = 200

/** How often the main thread shows that it is alive, in ms. */
export const pulseEvery = 500

const virtualNow: Effect.Effect<Instant> = Effect.map(Clock.currentTimeMillis, (now) => ({ wall: now, steady: now }))

const startFibers = Effect.fnUntraced(function* (consul: Consul["Type"], plan: PacePlan) {
  const ended = yield* Deferred.make<void>()
  const vitals = yield* Ref.make<Vitals>({ beat: plan.since, confirmed: plan.since, end: Option.none() })
  const trouble = yield* Ref.make(Option.none<string>())
  const over = (end: End) =>
    Ref.update(vitals, (known) => ({ ...known, end: Option.orElseSome(known.end, () => end) })).pipe(
      Effect.zipRight(Deferred.succeed(ended, undefined))
    )

  /** Again and again; `false` ends it. */
  const paced = (every: number, step: (sent: Instant) => Effect.Effect<boolean, ApiError>) =>
    Effect.gen(function* () {
      while (true) {
        const sent = yield* virtualNow
        const goOn = yield* step(sent).pipe(
          Effect.timeoutOption(patience),
          Effect.catchAll((error) => Effect.as(Ref.set(trouble, Option.some(error.message)), Option.none<boolean>()))
        )
        if (Option.contains(goOn, false)) return
        const pause = Option.isSome(goOn) ? every : Math.min(retryEvery, every)
        yield* Effect.sleep(Math.max(0, pause - elapsed(sent, yield* virtualNow)))
      }
    })

  const report: Effect.Effect<unknown, ApiError> = Option.match(plan.check, {
    onNone: () => consul.renewSession(plan.session),
    onSome: (check) => consul.updateTtlCheck(check, "passing", checkOutput)
  })
  const beat = (sent: Instant) =>
    report.pipe(
      Effect.zipRight(Effect.all([Ref.get(vitals), virtualNow])),
      Effect.flatMap(([known, answered]) =>
        unbroken(known.beat, answered, plan.ttl)
          ? Effect.as(Ref.set(vitals, { ...known, beat: sent }), true)
          : Effect.as(over("Lapsed"), false)
      ),
      Effect.catchTag("NotFound", () => Effect.as(over("ProofGone"), false))
    )
  const confirm = (sent: Instant) =>
    Effect.flatMap(consul.get(plan.key, { consistent: true }), (entry) =>
      Option.exists(entry, ({ session }) => session === plan.session)
        ? Effect.as(
            Ref.update(vitals, (known) => ({ ...known, confirmed: sent })),
            true
          )
        : Effect.as(over("KeyLost"), false)
    )

  const scope = yield* Effect.scope
  yield* Effect.forkIn(paced(plan.beatEvery, beat), scope)
  return {
    vitals: Ref.get(vitals),
    ended: Deferred.await(ended),
    lead: (confirmed: Instant) =>
      Ref.update(vitals, (known) => ({ ...known, confirmed })).pipe(
        Effect.zipRight(Effect.forkIn(paced(plan.confirmEvery, confirm), scope)),
        Effect.asVoid
      ),
    trouble: Ref.get(trouble)
  }
})

/** Always the same: a changed output would make the agent write to the servers. */
export const checkOutput = "standing for election"
