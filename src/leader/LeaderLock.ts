import { Context, Data, Deferred, Duration, Effect, Fiber, Layer, Option, type Scope } from "effect"
import type { TxnOp } from "../consul/Transaction.ts"

/** The lease can no longer be relied on. */
export class LeadershipLost extends Data.TaggedError("LeadershipLost")<{ readonly reason: string }> {}

/** One term of office. */
export interface Lease {
  /** What every write of this term must carry, so that the store refuses a leader that is one no more. */
  readonly fence: Option.Option<TxnOp>
  readonly lost: Effect.Effect<never, LeadershipLost>
}

/** Who may act. */
export class LeaderLock extends Context.Tag("jobforge/leader/LeaderLock")<
  LeaderLock,
  {
    /** Waits for the office; it is given up with the scope. */
    readonly acquire: Effect.Effect<Lease, never, Scope.Scope>
  }
>() {
  /** For a process that is alone by construction: it always leads, without a fence. */
  static readonly layerAlone: Layer.Layer<LeaderLock> = Layer.succeed(LeaderLock, {
    acquire: Effect.succeed({ fence: Option.none(), lost: Effect.never })
  })
}

/** Ends the term though the lease is good, since its work stands still: another replica may do better. */
export type Resign = (reason: string) => Effect.Effect<void>

/**
 * Runs `work` for as long as this process leads, again and again. Whatever ends a term, a lost lease or the program's own
 * end, interrupts the work and closes what it opened before the office is given up.
 *
 * Only work that stands still isn't waited for longer than a moment: it may never end, and what it still writes is fenced.
 * Until it has ended this process doesn't stand again, and then it lets the others go first.
 */
export const whileLeading = <E, R>(
  work: (lease: Lease, resign: Resign) => Effect.Effect<never, E, R | Scope.Scope>
): Effect.Effect<never, E, LeaderLock | Exclude<R, Scope.Scope>> =>
  Effect.gen(function* () {
    const outlast = yield* Effect.scope
    const { acquire } = yield* LeaderLock
    return yield* Effect.forever(Effect.flatMap(Effect.scoped(term(acquire, work, outlast)), recovered))
  }).pipe(Effect.scoped)

interface Ended<E> {
  readonly working: Fiber.Fiber<never, E>
  readonly resigned: boolean
}

const term = Effect.fnUntraced(function* <E, R>(
  acquire: LeaderLock["Type"]["acquire"],
  work: (lease: Lease, resign: Resign) => Effect.Effect<never, E, R | Scope.Scope>,
  outlast: Scope.Scope
): Effect.fn.Return<Ended<E>, E, Exclude<R, Scope.Scope> | Scope.Scope> {
  const lease = yield* acquire
  yield* Effect.logInfo("leading")
  const resigned = yield* Deferred.make<string>()
  const resign: Resign = (reason) => Effect.asVoid(Deferred.succeed(resigned, reason))
  // A race doesn't wait for its runners when it is interrupted itself: the scope does, before it closes the lease.
  const working = yield* Effect.acquireRelease(
    Effect.forkIn(Effect.interruptible(Effect.scoped(work(lease, resign))), outlast),
    (fiber) => Effect.flatMap(Deferred.isDone(resigned), (early) => (early ? forsake(fiber) : Fiber.interrupt(fiber)))
  )
  const lost = Effect.catchAll(lease.lost, ({ reason }) => Effect.logWarning("leadership lost", { reason }))
  const given = Effect.flatMap(Deferred.await(resigned), (reason) =>
    Effect.logError("the work stands still: leadership given up", { reason })
  )
  yield* Effect.raceFirst(Fiber.join(working), Effect.raceFirst(lost, given))
  return { working, resigned: yield* Deferred.isDone(resigned) }
})

/** It is made interruptible, which it isn't among finalizers, so that its time can run out. */
const forsake = (fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<void> =>
  Effect.flatMap(Effect.fiberId, (id) => Fiber.interruptAsFork(fiber, id)).pipe(
    Effect.zipRight(Effect.timeoutOption(Effect.interruptible(Fiber.await(fiber)), farewell)),
    Effect.interruptible,
    Effect.asVoid
  )

const recovered = <E>({ resigned, working }: Ended<E>): Effect.Effect<void> =>
  resigned ? Effect.zipRight(Fiber.await(working), Effect.sleep(courtesy)) : Effect.void

const farewell = Duration.seconds(2)
const courtesy = Duration.seconds(5)
