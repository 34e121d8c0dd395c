import { Effect } from "effect"
import type { Consul } from "../../src/consul/Consul.ts"
import type { TxnOp } from "../../src/consul/Transaction.ts"
import { keys } from "../zoo/support/Stage.ts"

/** A replica whose calls to Consul get no answer any more once one is as described, before or after it has taken effect. */
export const dyingAt = (wanted: (ops: ReadonlyArray<TxnOp>) => boolean, when: "before" | "after") => {
  let dead = false
  const alive = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    Effect.suspend(() => (dead ? Effect.never : effect))
  const die = Effect.suspend(() => {
    dead = true
    return Effect.never
  })
  return {
    isDead: () => dead,
    consul: (consul: Consul["Type"]): Consul["Type"] => ({
      ...consul,
      get: (key, options) => alive(consul.get(key, options)),
      put: (key, value) => alive(consul.put(key, value)),
      transaction: (ops) => {
        if (!wanted(ops)) return alive(consul.transaction(ops))
        return alive(when === "before" ? die : Effect.zipRight(consul.transaction(ops), die))
      }
    })
  }
}

/** Transactions that do this to a delivery of this event. */
export const onOutbox =
  (tag: TxnOp["_tag"], event = "") =>
  (ops: ReadonlyArray<TxnOp>): boolean =>
    ops.some((op) => op._tag === tag && op.key.startsWith(keys.outbox) && op.key.includes(event))
