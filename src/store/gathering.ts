import { Effect, type Scope } from "effect"

/** Serves together what is asked for at the same time. */
export interface Gathering {
  /** Something was asked for. Called after it was put where `serve` looks for it. */
  readonly wake: () => void
}

/**
 * `serve` takes all that was asked for, and answers with how much that was. It runs again and again, one run after the other,
 * so that what is asked for during one goes together in the next: larger groups cost a fraction for each. Who asks alone is
 * served at once.
 *
 * A run that takes long, as one whose connection was lost without a word, keeps nobody else waiting for longer than a moment.
 */
export const makeGathering = Effect.fnUntraced(function* (
  serve: Effect.Effect<number>
): Effect.fn.Return<Gathering, never, Scope.Scope> {
  const wanted = yield* Effect.makeLatch(false)
  const lane = (hesitate: Effect.Effect<void>) =>
    Effect.forever(
      Effect.gen(function* () {
        yield* wanted.await
        yield* hesitate
        yield* wanted.close
        const served = yield* serve
        if (served < enough) yield* pause(breath)
      })
    )
  yield* Effect.forkScoped(lane(nextTurn))
  for (let other = 0; other < others; other++) yield* Effect.forkScoped(lane(pause(aMoment)))
  return { wake: () => wanted.unsafeOpen() }
})

/** The next turn of the event loop: whoever's request has come already is heard before. */
const nextTurn = Effect.async<void>((resume) => void setImmediate(() => resume(Effect.void)))

/** As the turn, of the event loop and not of the program's clock: it is no time that anything is judged by. */
const pause = (milliseconds: number): Effect.Effect<void> =>
  Effect.async((resume) => {
    const timer = setTimeout(() => resume(Effect.void), milliseconds)
    return Effect.sync(() => clearTimeout(timer))
  })

/** So many at once need no breath, in which more would come; in milliseconds. */
const enough = 16
const breath = 1

/** Runs beside one that takes long, and after how many milliseconds. */
const others = 3
const aMoment = 250
