import { Effect, Option } from "effect"
import type { ChildState } from "../domain/ChildState.ts"
import type { Attempt } from "../domain/Status.ts"
import type { ApiError } from "../http/ApiError.ts"
import { Nomad } from "../nomad/Nomad.ts"
import { finalOf, outcome } from "../nomad/outcome.ts"
import { eachOf } from "./eachOf.ts"

/** Reads what Nomad shows of each attempt that has no outcome yet, by Nomad job id. */
export const observeChildren = Effect.fnUntraced(function* (
  attempts: ReadonlyArray<Attempt>
): Effect.fn.Return<ReadonlyMap<string, ChildState>, ApiError, Nomad> {
  const nomad = yield* Nomad
  const open = attempts.filter(({ outcome }) => outcome === undefined)
  const states = yield* eachOf(open, 4, ({ nomad_job_id: id }) =>
    Effect.map(observe(nomad, id), (state) => [id, state] as const)
  )
  return new Map(states)
})

/** An allocation that has ended says all: job and evaluations are asked for only while there is none. */
const observe = Effect.fnUntraced(function* (nomad: Nomad["Type"], id: string) {
  const allocations = yield* nomad.allocations(id)
  const last = finalOf(allocations)
  if (Option.isSome(last)) return last.value
  const [job, evaluations] = yield* Effect.all([nomad.job(id), nomad.evaluations(id)], { concurrency: 2 })
  return outcome(job, allocations, evaluations)
})
