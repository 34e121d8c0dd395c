import {
  Clock,
  Context,
  Effect,
  Exit,
  Fiber,
  Layer,
  Option,
  Random,
  Ref,
  Schedule,
  Scope,
  Stream,
  SubscriptionRef
} from "effect"
import { Consul, type Indexed, type KvEntry } from "../consul/Consul.ts"
import { TxnOp } from "../consul/Transaction.ts"
import type { ApiError } from "../http/ApiError.ts"
import { type Candidacy, lastly, makeStand, type Stand } from "./Candidacy.ts"
import { decodeHolder, encodeHolder } from "./Holder.ts"
import { LeaderLock, LeadershipLost, type Lease } from "./LeaderLock.ts"
import { LeaderStatus, type LeaderView } from "./LeaderStatus.ts"
import { Pacemaker } from "./Pacemaker.ts"
import { judge, Judgement, type Role } from "./Vitals.ts"

export interface ConsulLockOptions {
  /** The key whose holder leads. */
  readonly key: string
  /** `host:port` of this process's HTTP interface, for whoever looks for the leader. */
  readonly address: string
}

/**
 * The office is a key in Consul, held by a session; `Candidacy.ts` has what keeps the session alive, `Vitals.ts` when it
 * can't be relied on any more. It is given up by releasing the key, which lets the next candidate in at once.
 */
export const layer = (options: ConsulLockOptions): Layer.Layer<LeaderLock | LeaderStatus, never, Consul | Pacemaker> =>
  Layer.scopedContext(make(options))

const make = Effect.fnUntraced(function* ({ key, address }: ConsulLockOptions) {
  const consul = yield* Consul
  const pacemaker = yield* Pacemaker
  const id = yield* freshId
  const { stand } = yield* makeStand({ key, id })
  const office: Office = {
    key,
    consul,
    now: pacemaker.now,
    seen: yield* SubscriptionRef.make(Option.none<SeenKey>()),
    holderValue: Effect.map(Clock.currentTimeMillis, (now) =>
      encodeHolder({ address, id, since: new Date(now).toISOString() })
    )
  }
  const known = yield* Ref.make(nothing)
  yield* Effect.forkScoped(
    Stream.runForEach(consul.watchKey(key), (state) =>
      Effect.zipRight(
        SubscriptionRef.set(office.seen, Option.some(state)),
        Ref.update(known, (before) => after(before, state))
      )
    )
  )
  const lead = (isLeader: boolean) =>
    Ref.update(known, ({ session, view }) => ({ session, view: { ...view, isLeader } }))
  const acquire = Effect.gen(function* () {
    const lease = yield* campaign(office, stand)
    yield* Effect.acquireRelease(lead(true), () => lead(false))
    return { ...lease, lost: Effect.tapError(lease.lost, () => lead(false)) }
  })
  return Context.make(LeaderLock, { acquire }).pipe(
    Context.add(LeaderStatus, { current: Effect.map(Ref.get(known), ({ view }) => view) })
  )
})

type SeenKey = Indexed<Option.Option<KvEntry>>

interface Office {
  readonly key: string
  readonly consul: Consul["Type"]
  readonly now: Pacemaker["Type"]["now"]
  /** The key as it was last reported; none before the first report. */
  readonly seen: SubscriptionRef.SubscriptionRef<Option.Option<SeenKey>>
  readonly holderValue: Effect.Effect<string>
}

interface Known {
  readonly view: LeaderView
  /** The last one that held the key. */
  readonly session: Option.Option<string>
}

const nothing: Known = {
  view: { isLeader: false, holder: Option.none(), since: Option.none(), transitions: 0 },
  session: Option.none()
}

const after = ({ session: last, view }: Known, { value }: SeenKey): Known => {
  const held = Option.filter(value, (entry) => entry.session !== undefined)
  const session = Option.flatMapNullable(held, (entry) => entry.session)
  const holder = Option.flatMap(held, (entry) => decodeHolder(new TextDecoder().decode(entry.value)))
  const since = Option.filter(
    Option.map(holder, (found) => Date.parse(found.since)),
    Number.isFinite
  )
  const passedOn = Option.isSome(session) && Option.isSome(last) && session.value !== last.value
  return {
    view: { ...view, holder, since, transitions: view.transitions + (passedOn ? 1 : 0) },
    session: Option.orElse(session, () => last)
  }
}

/** 16 hexadecimal digits. */
const freshId: Effect.Effect<string> = Effect.map(
  Effect.replicateEffect(Random.nextIntBetween(0, 0x1_0000), 4),
  (parts) => parts.map((part) => part.toString(16).padStart(4, "0")).join("")
)

/** Stands again and again, until it is elected. What a failed try opened is closed before the next. */
const campaign = Effect.fnUntraced(function* (
  office: Office,
  stand: Stand
): Effect.fn.Return<Lease, never, Scope.Scope> {
  const term = yield* Effect.scope
  let told: ApiError["_tag"] | undefined
  while (true) {
    const scope = yield* Scope.fork(term, term.strategy)
    const tried = yield* Effect.either(Scope.extend(standOnce(office, stand), scope))
    if (tried._tag === "Right" && Option.isSome(tried.right)) return tried.right.value
    yield* Scope.close(scope, Exit.void)
    if (tried._tag === "Left" && tried.left._tag !== told) {
      yield* Effect.logWarning("cannot stand for election", tried.left)
      told = tried.left._tag
    }
    if (tried._tag === "Right") told = undefined
    yield* Effect.sleep((tried._tag === "Left" ? 1000 : 200) * (yield* Random.nextRange(0.5, 1)))
  }
})

/** None: the session was lost before the key was won. */
const standOnce = Effect.fnUntraced(function* (office: Office, stand: Stand) {
  const candidacy = yield* stand
  // Before the first try, since the answer to a try may be lost and the key held all the same; and closed after the
  // last, since a race doesn't wait for its runners when it is interrupted itself.
  yield* Effect.addFinalizer(() => lastly(office.consul.release(office.key, candidacy.session)))
  const winning = yield* Effect.forkScoped(win(office, candidacy))
  const lapsed = Effect.catchAll(untilOver(office, candidacy, "candidate"), (reason) =>
    Effect.as(Effect.logDebug("candidacy over", { reason }), Option.none<Lease>())
  )
  return yield* Effect.raceFirst(Effect.map(Fiber.join(winning), Option.some), lapsed).pipe(
    Effect.catchTag("SessionGone", () => Effect.succeedNone)
  )
})

class SessionGone {
  readonly _tag = "SessionGone"
}

const win = Effect.fnUntraced(function* (office: Office, candidacy: Candidacy) {
  const { consul, key } = office
  const { session } = candidacy
  // A state that follows interrupts the tries for the one before: whoever holds the key by then, itself included.
  const taken = Stream.flatMap(office.seen.changes, (seen) => tryFor(office, session, seen), { switch: true })
  yield* Stream.runHead(taken)
  const asked = yield* office.now
  const entry = yield* Effect.map(
    consul.get(key, { consistent: true }),
    Option.filter((found) => found.session === session)
  )
  if (Option.isNone(entry)) return yield* Effect.fail(new SessionGone())
  yield* candidacy.pulse.lead(asked)
  const lease: Lease = {
    fence: Option.some(TxnOp.CheckSession({ key, session })),
    lost: Effect.raceFirst(
      untilOver(office, candidacy, "leader"),
      untilTaken(office, session, entry.value.modifyIndex)
    ).pipe(Effect.mapError((reason) => new LeadershipLost({ reason })))
  }
  return lease
})

/** One element once the key is taken; none while another holds it. */
const tryFor = (
  { consul, holderValue, key }: Office,
  session: string,
  seen: Option.Option<SeenKey>
): Stream.Stream<true, ApiError | SessionGone> => {
  const holder = Option.flatMapNullable(
    Option.flatMap(seen, ({ value }) => value),
    (entry) => entry.session
  )
  if (Option.isSome(holder) && holder.value !== session) return Stream.never
  const acquire = Effect.flatMap(holderValue, (value) => consul.acquire(key, value, session)).pipe(
    Effect.catchTag("Conflict", () => Effect.fail(new SessionGone())),
    Effect.retry({ while: (error) => error._tag === "Unavailable", schedule: retry })
  )
  return Stream.fromEffect(Effect.as(Effect.repeat(acquire, { until: (yes) => yes, schedule: retry }), true as const))
}

/** While a lock delay runs, which no blocking query tells the end of, and while Consul has no leader. */
const retry = Schedule.jittered(Schedule.spaced(100))

/** Fails with the reason once the session can't be relied on. */
const untilOver = Effect.fnUntraced(function* (
  { now }: Office,
  { pulse, terms }: Candidacy,
  role: Role
): Effect.fn.Return<never, string> {
  while (true) {
    const judgement = judge(role, yield* pulse.vitals, terms, yield* now)
    if (Judgement.$is("Over")(judgement)) {
      const trouble = Option.match(yield* pulse.trouble, { onNone: () => "", onSome: (text) => ` (last: ${text})` })
      return yield* Effect.fail(`${judgement.reason}${trouble}`)
    }
    yield* Effect.raceFirst(Effect.sleep(Math.ceil(judgement.left)), pulse.ended)
  }
})

/**
 * Fails once the key is reported as another's. A report from before it was won, which a server that lags may give, says
 * nothing.
 */
const untilTaken = ({ seen }: Office, session: string, wonAt: number): Effect.Effect<never, string> =>
  Stream.runForEach(
    Stream.filterMap(seen.changes, (state) => state),
    ({ index, value }) => {
      const at = Option.match(value, { onNone: () => index, onSome: ({ modifyIndex }) => modifyIndex })
      const ours = Option.exists(value, (entry) => entry.session === session)
      return ours || at <= wonAt ? Effect.void : Effect.fail("the key was taken or released")
    }
  ).pipe(Effect.zipRight(Effect.never))
