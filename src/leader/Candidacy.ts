import { Effect, Option, Ref, Schedule, type Scope } from "effect"
import { Consul } from "../consul/Consul.ts"
import type { ApiError, NotFound } from "../http/ApiError.ts"
import { Pacemaker, type Pulse } from "./Pacemaker.ts"
import type { Instant, SessionTerms } from "./Vitals.ts"

/** A session that is kept alive, and with which the key can be taken. */
export interface Candidacy {
  readonly session: string
  readonly terms: SessionTerms
  readonly pulse: Pulse
}

export interface CandidacyOptions {
  /** The key to stand for. */
  readonly key: string
  /** This process, unlike any other on the same agent. */
  readonly id: string
}

export type Stand = Effect.Effect<Candidacy, ApiError, Scope.Scope>

/**
 * How to stand for election. The session is bound to a TTL check of the local agent: it ends 3 s after the last report,
 * while Consul gives a plain TTL session twice its 10 s. Where the agent doesn't take a check, or isn't one and the same
 * from one request to the next (a load balancer before the servers), it is that plain session: take-over after a crash
 * then needs about 21 s instead of 4.
 */
export const makeStand = Effect.fnUntraced(function* (
  options: CandidacyOptions
): Effect.fn.Return<{ readonly stand: Stand }, never, Consul | Pacemaker> {
  const consul = yield* Consul
  const pacemaker = yield* Pacemaker
  const told = yield* Ref.make(false)
  const faithlessUntil = yield* Ref.make(0)

  const plain = (why: string) =>
    Effect.gen(function* () {
      if (!(yield* Ref.getAndSet(told, true))) {
        yield* Effect.logWarning("no agent check: taking over after a crash will need about 21 s", { why })
      }
      return yield* withTtl(consul, pacemaker, options)
    })

  const checked = Effect.gen(function* () {
    const since = yield* pacemaker.now
    const candidacy = yield* withCheck(consul, pacemaker, options, since)
    // An agent that forgets the check at once isn't the one that took it.
    const forgotten = Effect.gen(function* () {
      yield* candidacy.pulse.ended
      const { end } = yield* candidacy.pulse.vitals
      const now = yield* pacemaker.now
      if (!Option.contains(end, "ProofGone") || now.steady - since.steady > faithlessWithin) return
      yield* Ref.set(faithlessUntil, now.steady + faithlessFor)
    })
    yield* Effect.forkScoped(forgotten)
    return candidacy
  })

  const stand: Stand = Effect.gen(function* () {
    const now = yield* pacemaker.now
    if (now.steady < (yield* Ref.get(faithlessUntil))) {
      return yield* plain("the agent forgot it within seconds: is there a load balancer before it?")
    }
    return yield* Effect.catchTag(checked, "NoAgentCheck", ({ why }) => plain(why))
  })
  return { stand }
})

/** In ms: an agent that forgets a check so soon is taken for several, and not asked for one for so long. */
const faithlessWithin = 10_000
const faithlessFor = 600_000

/** Nobody can take the key for so long after a session that held it failed, in ms: the margin of every leader's end. */
const lockDelay = 1000

/** Consul ends the session so long after the last report, in ms. */
const checkTtl = 3000

/** Consul's least, in ms. It gives twice as long, but promises no more than this. */
const sessionTtl = 10_000

class NoAgentCheck {
  readonly _tag = "NoAgentCheck"
  readonly why: string
  constructor(why: string) {
    this.why = why
  }
}

const withCheck = Effect.fnUntraced(function* (
  consul: Consul["Type"],
  pacemaker: Pacemaker["Type"],
  { id, key }: CandidacyOptions,
  since: Instant
) {
  const check = `${serviceName}-${id}`
  yield* Effect.acquireRelease(registerCandidate(consul, check, key), () => lastly(consul.deregisterService(check)))
  const session = yield* Effect.acquireRelease(boundSession(consul, check, key), (made) =>
    lastly(consul.destroySession(made))
  )
  const pulse = yield* pacemaker.start({
    session,
    key,
    check: Option.some(check),
    ttl: checkTtl,
    beatEvery: 750,
    confirmEvery: 500,
    since
  })
  const candidacy: Candidacy = { session, pulse, terms: { ttl: checkTtl, lockDelay } }
  return candidacy
})

const withTtl = Effect.fnUntraced(function* (
  consul: Consul["Type"],
  pacemaker: Pacemaker["Type"],
  { key }: CandidacyOptions
) {
  const since = yield* pacemaker.now
  const create = consul.createSession({ name: key, ttl: sessionTtl, lockDelay, behavior: "release" })
  const session = yield* Effect.acquireRelease(create, (made) => lastly(consul.destroySession(made)))
  const pulse = yield* pacemaker.start({
    session,
    key,
    check: Option.none(),
    ttl: sessionTtl,
    beatEvery: 2500,
    confirmEvery: 2000,
    since
  })
  const candidacy: Candidacy = { session, pulse, terms: { ttl: sessionTtl, lockDelay } }
  return candidacy
})

const serviceName = "jobforge-candidate"

/**
 * A service of its own carries the check: a failed check without a service would count against every service of the
 * node. What a crash leaves behind is removed by the agent after a minute.
 */
const registerCandidate = (consul: Consul["Type"], check: string, key: string) =>
  consul
    .registerService({
      id: check,
      name: serviceName,
      meta: { key },
      checks: [
        {
          id: check,
          name: "standing for election",
          ttl: checkTtl,
          status: "passing",
          deregisterCriticalServiceAfter: "1 minute"
        }
      ]
    })
    .pipe(
      Effect.catchTags({
        Denied: (error) => Effect.fail(new NoAgentCheck(error.message)),
        Invalid: (error) => Effect.fail(new NoAgentCheck(error.message)),
        NotFound: (error) => Effect.fail(new NoAgentCheck(error.message))
      })
    )

/** The agent tells the servers of the check a moment after it has taken it. */
const boundSession = (consul: Consul["Type"], check: string, key: string) =>
  consul.createSession({ name: key, lockDelay, behavior: "release", checks: { service: [check] } }).pipe(
    Effect.retry({
      while: (error) => error._tag === "NotFound",
      schedule: Schedule.intersect(Schedule.spaced(50), Schedule.recurs(60))
    }),
    Effect.catchTag("NotFound", (error: NotFound) => Effect.fail(new NoAgentCheck(error.message)))
  )

/**
 * On the way out. What can't be said in time isn't needed: the session ends by itself, and the agent forgets the check.
 * It is made interruptible, which it isn't among finalizers, so that its time can run out.
 */
export const lastly = (effect: Effect.Effect<unknown, ApiError>): Effect.Effect<void> =>
  effect.pipe(Effect.interruptible, Effect.timeoutOption(farewell), Effect.ignore)

const farewell = 1000
