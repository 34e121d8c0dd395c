import { Array as Arr, Effect } from "effect"

/**
 * `Effect.forEach`, so many at the same time, for what a pass mostly has none or one of: what forEach prepares for many
 * costs more than most of these things themselves.
 */
export const eachOf = <A, B, E, R>(
  all: ReadonlyArray<A>,
  most: number,
  f: (one: A) => Effect.Effect<B, E, R>
): Effect.Effect<ReadonlyArray<B>, E, R> =>
  Arr.match(all, {
    onEmpty: () => nothing,
    onNonEmpty: (some) =>
      some.length === 1 ? Effect.map(f(some[0]), Arr.of) : Effect.forEach(some, f, { concurrency: most })
  })

const nothing: Effect.Effect<ReadonlyArray<never>> = Effect.succeed([])
