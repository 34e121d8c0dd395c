import { Clock, Duration, Effect, Fiber, FiberId, type Scope } from "effect"

/** What ends the waits of many, with one fiber for all that end together: one for each would be most of what a wait costs. */
export interface SharedEnds<A> {
  /** `over` is told of the member when this is done, unless it has left before. */
  readonly at: (end: Effect.Effect<void>, member: A) => Effect.Effect<void>
  /** The same after this long, or up to a sixty-fourth less. */
  readonly after: (within: Duration.Duration, member: A) => Effect.Effect<void>
  readonly leave: (member: A) => void
}

interface Group<A> {
  readonly members: Set<A>
  watch: Fiber.Fiber<void> | undefined
}

export const makeSharedEnds = <A>(over: (member: A) => void): Effect.Effect<SharedEnds<A>, never, Scope.Scope> =>
  Effect.map(Effect.scope, (scope) => {
    const groups = new Map<unknown, Group<A>>()
    const joined = new Map<A, Array<unknown>>()

    const leave = (member: A): void => {
      for (const key of joined.get(member) ?? []) {
        const group = groups.get(key)
        if (group?.members.delete(member) !== true || group.members.size > 0) continue
        groups.delete(key)
        // Nobody is left to be told.
        if (group.watch !== undefined) Effect.runFork(Fiber.interruptAsFork(group.watch, FiberId.none))
      }
      joined.delete(member)
    }

    const join = (key: unknown, end: Effect.Effect<void>, member: A): Effect.Effect<void> =>
      Effect.suspend(() => {
        const known = joined.get(member)
        if (known === undefined) joined.set(member, [key])
        else known.push(key)
        const group = groups.get(key)
        if (group !== undefined) {
          group.members.add(member)
          return Effect.void
        }
        const begun: Group<A> = { members: new Set([member]), watch: undefined }
        groups.set(key, begun)
        const tell = Effect.sync(() => {
          if (groups.get(key) === begun) groups.delete(key)
          for (const one of begun.members) over(one)
        })
        return Effect.map(Effect.forkIn(Effect.zipRight(end, tell), scope), (watch) => void (begun.watch = watch))
      })

    return {
      leave,
      at: (end, member) => (end === Effect.never ? Effect.void : join(end, end, member)),
      after: (within, member) =>
        Duration.isFinite(within)
          ? Effect.flatMap(Clock.currentTimeMillis, (now) => {
              const deadline = floored(now + Duration.toMillis(within), Duration.toMillis(within) / 64)
              return join(deadline, Effect.sleep(Duration.millis(deadline - now)), member)
            })
          : Effect.void
    }
  })

/** To a multiple of the greatest power of two that is no more than `step`. */
const floored = (time: number, step: number): number => {
  const unit = 2 ** Math.floor(Math.log2(Math.max(1, step)))
  return Math.floor(time / unit) * unit
}
