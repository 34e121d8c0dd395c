import { Effect, Schedule } from "effect"

/** Looks every 20 ms, for at most 10 s of real time, until the condition holds. */
export const eventually = <E, R>(what: string, holds: Effect.Effect<boolean, E, R>): Effect.Effect<void, never, R> =>
  holds.pipe(
    Effect.filterOrFail((yes) => yes),
    Effect.retry(Schedule.intersect(Schedule.spaced("20 millis"), Schedule.recurs(500))),
    Effect.asVoid,
    Effect.orDieWith(() => new Error(`it never came true that ${what}`))
  )
