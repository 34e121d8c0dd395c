import { Effect } from "effect"
import { Consul } from "../../consul/Consul.ts"
import { TxnResult } from "../../consul/Transaction.ts"
import type { ApiError } from "../../http/ApiError.ts"
import { type Change, type Held, planChange, type PlanOptions, type RecordFile } from "./planChange.ts"
import { readHeld } from "./readHeld.ts"

/** One name, what Consul held of it, and its file. */
export interface Step {
  readonly held: Held
  readonly file: RecordFile | undefined
  /** Whether it may be deleted when it has no file. */
  readonly prune: boolean
  readonly change: Change
}

/**
 * Writes one change, or what has become of it when somebody else was faster: then the name is read and judged anew. A
 * record that is never still is refused in the end. Fails only where Consul is out of reach: nothing else would succeed.
 */
export const applyChange = Effect.fn("applyChange")(function* (
  options: PlanOptions,
  step: Step
): Effect.fn.Return<Change, ApiError, Consul> {
  const consul = yield* Consul
  let { change, held } = step
  for (let attempt = 0; attempt < attempts; attempt++) {
    if (change.ops.length === 0) return change
    const result = yield* Effect.either(consul.transaction(change.ops))
    if (result._tag === "Left") {
      // It may have been written all the same: the next run will see.
      if (result.left._tag === "Unavailable") return yield* result.left
      return refused(change, result.left.message)
    }
    if (TxnResult.$is("Committed")(result.right)) return change
    const { errors } = result.right
    const denied = errors.find(({ kind }) => kind === "denied" || kind === "other")
    if (denied !== undefined) return refused(change, denied.what)
    yield* Effect.sleep(pauseMs * attempt)
    held = yield* readHeld(options, held)
    change = planChange(options, held, step.file)
  }
  return refused(change, `it was changed by others ${attempts} times while it was written; run this again`)
})

const attempts = 5

const pauseMs = 50

const refused = (change: Change, why: string): Change => ({ ...change, outcome: "refused", ops: [], why })
