import { Context, Data, Effect, Fiber, Layer, Option, type Scope } from "effect"
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

/**
 * Runs `work` for as long as this process leads, again and again. Whatever ends a term, a lost lease or the program's own
 * end, interrupts the work and closes what it opened before the office is given up.
 */
export const whileLeading = Effect.fnUntraced(function* <E, R>(
  work: (lease: Lease) => Effect.Effect<never, E, R | Scope.Scope>
): Effect.fn.Return<never, E, LeaderLock | Exclude<R, Scope.Scope>> {
  const lock = yield* LeaderLock
  const term = Effect.gen(function* () {
    const lease = yield* lock.acquire
    yield* Effect.logInfo("leading")
    const lost = Effect.catchAll(lease.lost, ({ reason }) => Effect.logWarning("leadership lost", { reason }))
    // A race doesn't wait for its runners when it is interrupted itself: the scope does, before it closes the lease.
    const working = yield* Effect.forkScoped(Effect.scoped(work(lease)))
    yield* Effect.raceFirst(Fiber.join(working), lost)
  })
  return yield* Effect.forever(Effect.scoped(term))
})
