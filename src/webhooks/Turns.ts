import { Effect } from "effect"

/** Bounds how many deliveries are sent at the same time, to one receiver and to all together. */
export interface Turns {
  /** Waits for both, for the receiver first: who waits for a slow one takes no place from the others. */
  readonly at: (url: string) => <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

export const makeTurns: Effect.Effect<Turns> = Effect.gen(function* () {
  const all = yield* Effect.makeSemaphore(atOnce)
  const receivers = new Map<string, { readonly turns: Effect.Semaphore; users: number }>()

  const enter = (host: string) =>
    Effect.sync(() => {
      const known = receivers.get(host) ?? { turns: Effect.unsafeMakeSemaphore(atOnceToOne), users: 0 }
      known.users++
      receivers.set(host, known)
      return known
    })

  const leave = (host: string) =>
    Effect.sync(() => {
      const known = receivers.get(host)
      if (known === undefined) return
      known.users--
      if (known.users === 0) receivers.delete(host)
    })

  return {
    at: (url) => (effect) => {
      const host = hostOf(url)
      return Effect.acquireUseRelease(
        enter(host),
        ({ turns }) => turns.withPermits(1)(all.withPermits(1)(effect)),
        () => leave(host)
      )
    }
  }
})

/** Of a receiver that doesn't answer each takes up to half a minute. */
const atOnceToOne = 8
const atOnce = 64

/** What a log may say of a URL: its path and query often are a secret. */
export const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : "")
