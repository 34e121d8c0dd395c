import { Effect, Fiber } from "effect"

/**
 * Both at the same time, for the price of one fiber: `Effect.all` takes three, each with its place among them. When either
 * fails, or whoever waits is interrupted, the other is over before this is.
 */
export const bothOf = <A, E1, R1, B, E2, R2>(
  here: Effect.Effect<A, E1, R1>,
  beside: Effect.Effect<B, E2, R2>
): Effect.Effect<readonly [A, B], E1 | E2, R1 | R2> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(Effect.fork(restore(beside)), (fiber) =>
      Effect.onError(
        restore(Effect.flatMap(here, (first) => Effect.map(Fiber.join(fiber), (second) => [first, second] as const))),
        () => Fiber.interrupt(fiber)
      )
    )
  )
