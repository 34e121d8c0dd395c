import { Effect, Option } from "effect"
import type { ChildState } from "../domain/ChildState.ts"
import type { Attempt } from "../domain/Status.ts"
import type { ApiError } from "../http/ApiError.ts"
import { Nomad } from "../nomad/Nomad.ts"
import { finalOf, outcome } from "../nomad/outcome.ts"
import { bothOf } from "./bothOf.ts"
import { eachOf } from "./eachOf.ts"

/** Reads what Nomad shows of each attempt that has no outcome yet, by Nomad job id. */
export const observeChildren = (
  attempts: ReadonlyArray<Attempt>
): Effect.Effect<ReadonlyMap<string, ChildState>, ApiError, Nomad> => {
  const open = attempts.filter(({ outcome }) => outcome === undefined)
  const states = eachOf(open, 4, ({ nomad_job_id: id }) => Effect.map(observe(id), (state) => [id, state] as const))
  return Effect.map(states, (each) => new Map(each))
}

/** An allocation that has ended says all: job and evaluations are asked for only while there is none. */
const observe = Effect.fnUntraced(function* (id: string) {
  const nomad = yield* Nomad
  const allocations = yield* nomad.allocations(id)
  const last = finalOf(allocations)
  if (Option.isSome(last)) return last.value
  const [job, evaluations] = yield* bothOf(nomad.job(id), nomad.evaluations(id))
  return outcome(job, allocations, evaluations)
})
