import { Clock, Duration, Effect, Exit, Option, Random, type Scope } from "effect"
import { ActingToken } from "../consul/ActingToken.ts"
import type { Consul } from "../consul/Consul.ts"
import type { ApiError } from "../http/ApiError.ts"
import { makeGathering } from "./gathering.ts"
import { changedKeys } from "./readKeys.ts"

/** What the reading of a key brings, with the index that tells whether it is still true; 0: the key doesn't exist. */
interface Read {
  readonly modifyIndex: number
}

/** One key's reading. */
export interface Reading<A extends Read> {
  readonly keyOf: (name: string) => string
  /** `known` is what was read before; it need not be made anew where the key says the same still. */
  readonly read: (name: string, known?: A) => Effect.Effect<A, ApiError>
}

/** Called back once with what a reading brought, and must not throw: there is no fiber of its own that would hear of it. */
export type Told<A> = (read: Exit.Exit<A, ApiError>) => void

export interface SharedReads<A> {
  readonly latest: (name: string) => Effect.Effect<A, ApiError>
  /** As `latest`, with this process's own token and at less than half of the cost. */
  readonly tell: (name: string, then: Told<A>) => void
}

/**
 * Readings of single keys for many that ask at the same time. Whoever asks gets what a reading brings that begins later, as
 * if it had asked alone: those who ask for one key share it, and what was read before is only asked whether it is unchanged,
 * many keys to a request. It never answers from memory alone.
 */
export const makeSharedReads = Effect.fnUntraced(function* <A extends Read>(
  consul: Consul["Type"],
  { keyOf, read }: Reading<A>
): Effect.fn.Return<SharedReads<A>, never, Scope.Scope> {
  let waiting = new Map<string, Array<Told<A>>>()
  const known = new Map<string, { readonly found: A; readonly until: number }>()

  const remember = (name: string, found: A, until: number) => {
    known.delete(name)
    if (found.modifyIndex === 0) return
    known.set(name, { found, until })
    if (known.size <= mostKnown) return
    const [oldest] = known.keys()
    if (oldest !== undefined) known.delete(oldest)
  }

  const recall = (name: string, now: number): A | undefined => {
    const held = known.get(name)
    return held === undefined || held.until <= now ? undefined : held.found
  }

  const readOne = Effect.fnUntraced(function* ({ name, those }: Asked<A>) {
    const now = yield* Clock.currentTimeMillis
    const found = yield* Effect.exit(read(name, known.get(name)?.found))
    if (found._tag === "Success") {
      // Those that were asked for together are not to be read anew together.
      const goesBy = Duration.toMillis(remembered) * (yield* Random.nextRange(0.5, 1))
      remember(name, found.value, now + goesBy)
    }
    answer(those, found)
  })

  /** Those whose key is as it was get what it said; answers with the others. */
  const confirm = Effect.fnUntraced(function* (asked: ReadonlyArray<Asked<A>>) {
    const now = yield* Clock.currentTimeMillis
    const old = asked.flatMap((one) => {
      const found = recall(one.name, now)
      return found === undefined ? [] : [{ ...one, key: keyOf(one.name), found }]
    })
    if (old.length === 0) return asked
    const checks = old.map(({ found, key }) => ({ key, index: found.modifyIndex }))
    const changed = yield* Effect.exit(changedKeys(consul, checks))
    // Which of them is out of reach, and why, the reading itself tells.
    if (changed._tag === "Failure") return asked
    const confirmed = old.filter(({ key }) => !changed.value.includes(key))
    for (const { found, those } of confirmed) answer(those, Exit.succeed(found))
    const done = new Set(confirmed.map(({ name }) => name))
    return asked.filter(({ name }) => !done.has(name))
  })

  const look = Effect.gen(function* () {
    const taken = Array.from(waiting, ([name, those]): Asked<A> => ({ name, those }))
    // A new one: what goes through a table that lives long does so too.
    waiting = new Map()
    // One alone is read: that takes one request, whether or not it has changed.
    const rest = taken.length === 1 ? taken : yield* confirm(taken)
    yield* Effect.forEach(rest, readOne, { concurrency: readsAtOnce, discard: true })
    return taken.length
  })
  const { wake } = yield* makeGathering(look)

  const tell = (name: string, then: Told<A>) => {
    const those = waiting.get(name)
    if (those !== undefined) return void those.push(then)
    waiting.set(name, [then])
    wake()
  }

  return {
    tell,
    latest: (name) =>
      Effect.flatMap(ActingToken, (acting) =>
        // What this caller may read, Consul decides.
        Option.isSome(acting) ? read(name) : Effect.async<A, ApiError>((resume) => tell(name, resume))
      )
  }
})

interface Asked<A> {
  readonly name: string
  readonly those: ReadonlyArray<Told<A>>
}

const answer = <A>(those: ReadonlyArray<Told<A>>, read: Exit.Exit<A, ApiError>): void => {
  for (const then of those) then(read)
}

/** Keys that a look reads at the same time. */
const readsAtOnce = 16

/** At most, how long a value goes by its index: a Consul that was restored may have counted to the same number with another one. */
const remembered = Duration.seconds(30)

/** Values that are kept. */
const mostKnown = 2000
