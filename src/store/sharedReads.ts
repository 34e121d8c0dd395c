import { Clock, Deferred, Duration, Effect, FiberId, Option, Queue, type Scope } from "effect"
import { ActingToken } from "../consul/ActingToken.ts"
import type { Consul } from "../consul/Consul.ts"
import type { ApiError } from "../http/ApiError.ts"
import { changedKeys, checksAtOnce } from "./readKeys.ts"

/** What the reading of a key brings, with the index that tells whether it is still true; 0: the key doesn't exist. */
interface Read {
  readonly modifyIndex: number
}

/** One key's reading. */
export interface Reading<A extends Read> {
  readonly keyOf: (name: string) => string
  /** `known` is what was read before; it need not be made anew where the key has its index still. */
  readonly read: (name: string, known?: A) => Effect.Effect<A, ApiError>
}

/**
 * Readings of single keys for many that ask at the same time. Whoever asks gets what a reading brings that begins later, as
 * if it had asked alone: those who ask for one key share it, and what was read before is only asked whether it is unchanged,
 * many keys to a request. It never answers from memory alone.
 */
export const makeSharedReads = Effect.fnUntraced(function* <A extends Read>(
  consul: Consul["Type"],
  { keyOf, read }: Reading<A>
): Effect.fn.Return<(name: string) => Effect.Effect<A, ApiError>, never, Scope.Scope> {
  const waiting = new Map<string, Deferred.Deferred<A, ApiError>>()
  const asked = yield* Queue.unbounded<string>()
  const known = new Map<string, { readonly found: A; readonly until: number }>()

  const remember = (name: string, found: A, now: number) => {
    known.delete(name)
    if (found.modifyIndex === 0) return
    known.set(name, { found, until: now + Duration.toMillis(remembered) })
    if (known.size <= mostKnown) return
    const [oldest] = known.keys()
    if (oldest !== undefined) known.delete(oldest)
  }

  const recall = (name: string, now: number): A | undefined => {
    const held = known.get(name)
    return held === undefined || held.until <= now ? undefined : held.found
  }

  const readOne = Effect.fnUntraced(function* (name: string, answer: Deferred.Deferred<A, ApiError>) {
    const now = yield* Clock.currentTimeMillis
    const held = recall(name, now)
    const found = yield* Effect.exit(read(name, held))
    // What was only recalled is as old as it was.
    if (found._tag === "Success" && found.value !== held) remember(name, found.value, now)
    yield* Deferred.done(answer, found)
  })

  /** Those whose key is as it was get what it said; answers with the others. */
  const confirm = Effect.fnUntraced(function* (those: ReadonlyArray<Asked<A>>) {
    const now = yield* Clock.currentTimeMillis
    const old = those.flatMap((one) => {
      const found = recall(one.name, now)
      return found === undefined ? [] : [{ ...one, key: keyOf(one.name), found }]
    })
    if (old.length === 0) return those
    const checks = old.map(({ found, key }) => ({ key, index: found.modifyIndex }))
    const changed = yield* Effect.option(changedKeys(consul, checks))
    // Which of them is out of reach, and why, the reading itself tells.
    if (Option.isNone(changed)) return those
    const confirmed = old.filter(({ key }) => !changed.value.includes(key))
    for (const { answer, found } of confirmed) Deferred.unsafeDone(answer, Effect.succeed(found))
    const done = new Set(confirmed.map(({ name }) => name))
    return those.filter(({ name }) => !done.has(name))
  })

  const look = Effect.gen(function* () {
    const names = yield* Queue.takeBetween(asked, 1, checksAtOnce)
    const those = Array.from(names, (name): Asked<A> => {
      const answer = waiting.get(name) ?? Deferred.unsafeMake<A, ApiError>(FiberId.none)
      waiting.delete(name)
      return { name, answer }
    })
    // One alone is read: that takes one request, whether or not it has changed.
    const rest = those.length === 1 ? those : yield* confirm(those)
    yield* Effect.forEach(rest, ({ answer, name }) => readOne(name, answer), {
      concurrency: readsAtOnce,
      discard: true
    })
  })

  for (let lane = 0; lane < lanes; lane++) yield* Effect.forkScoped(Effect.forever(look))

  return (name) =>
    Effect.flatMap(ActingToken, (acting) => {
      // What this caller may read, Consul decides.
      if (Option.isSome(acting)) return read(name)
      const same = waiting.get(name)
      if (same !== undefined) return Deferred.await(same)
      const answer = Deferred.unsafeMake<A, ApiError>(FiberId.none)
      waiting.set(name, answer)
      Queue.unsafeOffer(asked, name)
      return Deferred.await(answer)
    })
})

interface Asked<A> {
  readonly name: string
  readonly answer: Deferred.Deferred<A, ApiError>
}

/** Looks that are under way side by side: what is asked meanwhile goes together in the next one. */
const lanes = 2

/** Keys that a look reads at the same time. */
const readsAtOnce = 16

/** How long a value goes by its index: a Consul that was restored may have counted to the same number with another one. */
const remembered = Duration.seconds(30)

/** Values that are kept. */
const mostKnown = 2000
