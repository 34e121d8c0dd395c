import { Clock, Duration, Effect, Layer, Option, Schedule } from "effect"
import { Consul } from "../../src/consul/Consul.ts"
import { TxnOp } from "../../src/consul/Transaction.ts"
import { LeaderLock, LeadershipLost, type Lease } from "../../src/leader/LeaderLock.ts"

/**
 * An election by a plain TTL session: the simplest one that keeps the promise of `LeaderLock`, so that what is tested
 * is the controller under it. A leader stops by itself one TTL after it sent the last renewal that was confirmed;
 * Consul waits for two.
 */
export const simLockLayer = (key: string, replica: string): Layer.Layer<LeaderLock, never, Consul> =>
  Layer.effect(
    LeaderLock,
    Effect.map(Consul, (consul) => ({ acquire: Effect.provideService(acquire(key, replica), Consul, consul) }))
  )

/** Slower than in production, where nobody has to compute every beat of ten quiet minutes. */
const ttl = Duration.seconds(30)
const beat = Duration.seconds(10)
const patience = Duration.seconds(1)

const acquire = Effect.fnUntraced(function* (key: string, replica: string) {
  const consul = yield* Consul
  for (;;) {
    const sent = yield* Clock.currentTimeMillis
    const session = yield* consul
      .createSession({ name: replica, ttl, lockDelay: "1 second", behavior: "release" })
      .pipe(Effect.retry(Schedule.spaced(patience)), Effect.orDie)
    const lease = yield* elected(key, replica, session, sent)
    if (lease === undefined) continue
    yield* Effect.addFinalizer(() => Effect.ignore(consul.destroySession(session)))
    return lease
  }
})

/** Tries until the lock is taken; undefined when the session ended before. */
const elected = Effect.fnUntraced(function* (key: string, replica: string, session: string, created: number) {
  const consul = yield* Consul
  let confirmed = created
  for (;;) {
    const taken = yield* Effect.either(consul.acquire(key, replica, session))
    if (taken._tag === "Right" && taken.right) return yield* lead(key, session, confirmed)
    yield* Effect.sleep(beat)
    const sent = yield* Clock.currentTimeMillis
    const renewed = yield* Effect.either(consul.renewSession(session))
    if (renewed._tag === "Right") confirmed = sent
    else if (renewed.left._tag === "NotFound") return undefined
  }
})

const lead = Effect.fnUntraced(function* (key: string, session: string, since: number) {
  const consul = yield* Consul
  let confirmed = since
  const renew = Effect.gen(function* () {
    const sent = yield* Clock.currentTimeMillis
    yield* consul.renewSession(session)
    confirmed = sent
  })
  yield* Effect.forkScoped(
    Effect.forever(Effect.zipRight(Effect.sleep(beat), Effect.ignore(Effect.timeout(renew, beat))))
  )
  const lost = Effect.gen(function* () {
    for (;;) {
      const left = confirmed + Duration.toMillis(ttl) - (yield* Clock.currentTimeMillis)
      if (left <= 0) return yield* new LeadershipLost({ reason: "the session could not be renewed in time" })
      yield* Effect.sleep(left)
    }
  })
  const lease: Lease = { fence: Option.some(TxnOp.CheckSession({ key, session })), lost }
  return lease
})
