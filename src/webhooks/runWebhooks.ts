import { Effect, type Scope, Stream } from "effect"
import { Consul } from "../consul/Consul.ts"
import type { Lease } from "../leader/LeaderLock.ts"
import type { Keys } from "../store/keys.ts"
import { recordOf } from "./Delivery.ts"
import { type SenderNeeds, settleDelivery } from "./settleDelivery.ts"
import { makeTurns } from "./Turns.ts"

/**
 * Empties the outbox for one term of office. Each record's deliveries go out one after the other, in the order of what they
 * tell; those of different records side by side. A delivery leaves the outbox when it has arrived or is given up: whatever
 * ends this in between, the next term sends it again, the same bytes under the same id.
 */
export const runWebhooks = Effect.fn("runWebhooks")(function* (
  keys: Keys,
  { fence }: Lease
): Effect.fn.Return<never, never, SenderNeeds | Scope.Scope> {
  const consul = yield* Consul
  const scope = yield* Effect.scope
  const term = { keys, fence, turns: yield* makeTurns }
  /** What waits, by record; a worker takes from it what it has dealt with. */
  let waiting = new Map<string, Array<string>>()
  const busy = new Set<string>()

  /** Until nothing of the record waits: it is in one step that this is seen and that nobody works on it any more. */
  const work = (name: string): Effect.Effect<void, never, SenderNeeds> =>
    Effect.suspend(() => {
      const [key] = waiting.get(name) ?? []
      if (key === undefined) {
        waiting.delete(name)
        busy.delete(name)
        return Effect.void
      }
      return Effect.flatMap(settleDelivery(term, key), () => {
        const rest = (waiting.get(name) ?? []).filter((other) => other !== key)
        waiting.set(name, rest)
        return work(name)
      })
    })

  const take = Effect.fnUntraced(function* (names: ReadonlyArray<string>) {
    waiting = grouped(keys.outbox, names)
    for (const name of waiting.keys()) {
      if (busy.has(name)) continue
      busy.add(name)
      yield* Effect.forkIn(work(name), scope)
    }
  })

  yield* Stream.runForEach(consul.watchKeys(keys.outbox), ({ value }) => take(value))
  return yield* Effect.never
})

/** In the order of their ids: run after run, event after event. */
const grouped = (outbox: string, names: ReadonlyArray<string>): Map<string, Array<string>> => {
  const groups = new Map<string, Array<string>>()
  for (const key of names.toSorted()) {
    const name = recordOf(outbox, key)
    groups.set(name, [...(groups.get(name) ?? []), key])
  }
  return groups
}
