import { type Duration, Effect, type Scope } from "effect"

/** How fast something is followed: as it comes while somebody listens, and at leisure while nobody does. */
export interface Pace {
  readonly listen: Effect.Effect<void, never, Scope.Scope>
  readonly isHurried: () => boolean
  /** Over at once while somebody listens, as soon as somebody begins to, and at the latest after this long. */
  readonly leisure: (atMost: Duration.DurationInput) => Effect.Effect<void>
}

export const makePace: Effect.Effect<Pace> = Effect.map(Effect.makeLatch(false), (hurry) => {
  let listeners = 0
  return {
    listen: Effect.acquireRelease(
      Effect.suspend(() => {
        listeners += 1
        return hurry.open
      }),
      () =>
        Effect.suspend(() => {
          listeners -= 1
          return listeners > 0 ? Effect.void : hurry.close
        })
    ),
    isHurried: () => listeners > 0,
    leisure: (atMost) => Effect.asVoid(Effect.timeoutOption(hurry.await, atMost))
  }
})
