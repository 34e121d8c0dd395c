import { Context, Data, Effect, Either, Layer, Scope } from "effect"
import { family } from "../metrics/families.ts"
import { Metrics } from "../metrics/Metrics.ts"
import { LiveSettings } from "../store/LiveSettings.ts"

/** More than this replica does for one caller, or for all of them. Nothing was done. */
export class LimitReached extends Data.TaggedError("LimitReached")<{
  readonly limit: "rate" | "waiters" | "waiters_per_caller"
  readonly detail: string
  /** Whole seconds after which it may work. */
  readonly retryAfter: number
}> {
  override get message(): string {
    return this.detail
  }
}

/** How much one caller, by name or address, and all of them together may ask of this replica. The settings are followed. */
export class Limits extends Context.Tag("jobforge/server/Limits")<
  Limits,
  {
    /** Takes one request out of the caller's bucket. Undefined: it may go on. */
    readonly request: (caller: string) => LimitReached | undefined
    /** A place among those who wait, until what it answers with is called. */
    readonly enter: (caller: string) => Either.Either<() => void, LimitReached>
    /** The same until the scope closes. */
    readonly waiter: (caller: string) => Effect.Effect<void, LimitReached, Scope.Scope>
  }
>() {
  static readonly layer: Layer.Layer<Limits, never, LiveSettings> = Layer.suspend(() => Layer.effect(Limits, make))
}

interface Bucket {
  left: number
  at: number
}

const make = Effect.gen(function* () {
  const settings = yield* LiveSettings
  const clock = yield* Effect.clock
  const metrics = yield* Metrics
  const buckets = new Map<string, Bucket>()
  const waiting = new Map<string, number>()
  let all = 0

  const reached = (limit: LimitReached["limit"], detail: string, retryAfter: number): LimitReached => {
    metrics.add(family.limited, { limit })
    return new LimitReached({ limit, detail, retryAfter })
  }

  const request = (caller: string): LimitReached | undefined => {
    const { burst, rate } = settings.now().access
    if (rate === 0) return undefined
    const now = clock.unsafeCurrentTimeMillis()
    const before = buckets.get(caller)
    const left = before === undefined ? burst : Math.min(burst, before.left + ((now - before.at) * rate) / 1000)
    if (before === undefined && buckets.size >= mostBuckets) forgetFull(buckets, now, rate, burst)
    buckets.set(caller, { left: left < 1 ? left : left - 1, at: now })
    return left >= 1 ? undefined : reached("rate", `more than ${rate} requests a second`, Math.ceil((1 - left) / rate))
  }

  const leave = (caller: string) => {
    all -= 1
    const left = (waiting.get(caller) ?? 1) - 1
    if (left === 0) waiting.delete(caller)
    else waiting.set(caller, left)
    metrics.set(family.waiters, { kind: "stream" }, all)
  }

  const enter = (caller: string): Either.Either<() => void, LimitReached> => {
    const { access } = settings.now()
    const own = waiting.get(caller) ?? 0
    if (all >= access.waiters) {
      return Either.left(reached("waiters", `${access.waiters} requests wait here already; ask another replica`, busy))
    }
    if (own >= access.waitersPerCaller) {
      return Either.left(reached("waiters_per_caller", `${own} requests of this caller wait already; end some`, busy))
    }
    all += 1
    waiting.set(caller, own + 1)
    metrics.set(family.waiters, { kind: "stream" }, all)
    let isLeft = false
    return Either.right(() => {
      if (!isLeft) leave(caller)
      isLeft = true
    })
  }

  /** What an `acquireRelease` keeps of the fiber, to restore it for the release, would be much of what a wait costs. */
  const waiter = (caller: string): Effect.Effect<void, LimitReached, Scope.Scope> =>
    Effect.uninterruptible(
      Effect.flatMap(Effect.scope, (scope) =>
        Effect.flatMap(
          Effect.suspend(() => enter(caller)),
          (leave) => Scope.addFinalizer(scope, Effect.sync(leave))
        )
      )
    )

  return Limits.of({ request, enter, waiter })
})

/** Seconds: somebody's wait ends at last. */
const busy = 5

/** Callers that are remembered at the same time; an address is cheap to have many of. */
const mostBuckets = 10_000

/** A bucket that has filled up again is as good as none. Where there are too many all the same, the oldest half goes. */
const forgetFull = (buckets: Map<string, Bucket>, now: number, rate: number, burst: number): void => {
  for (const [caller, { at, left }] of buckets) {
    if (left + ((now - at) * rate) / 1000 >= burst) buckets.delete(caller)
  }
  let surplus = buckets.size - mostBuckets / 2
  if (buckets.size < mostBuckets) return
  for (const caller of buckets.keys()) {
    if (surplus-- <= 0) return
    buckets.delete(caller)
  }
}
