import { Effect } from "effect"
import type { ChildState } from "../domain/ChildState.ts"
import type { Attempt } from "../domain/Status.ts"
import type { ApiError } from "../http/ApiError.ts"
import { Nomad } from "../nomad/Nomad.ts"
import { outcome } from "../nomad/outcome.ts"

/** Reads what Nomad shows of each attempt that has no outcome yet, by Nomad job id. */
export const observeChildren = Effect.fnUntraced(function* (
  attempts: ReadonlyArray<Attempt>
): Effect.fn.Return<ReadonlyMap<string, ChildState>, ApiError, Nomad> {
  const nomad = yield* Nomad
  const open = attempts.filter(({ outcome }) => outcome === undefined)
  const states = yield* Effect.forEach(
    open,
    ({ nomad_job_id: id }) =>
      Effect.all([nomad.job(id), nomad.allocations(id), nomad.evaluations(id)], { concurrency: 3 }).pipe(
        Effect.map(([job, allocations, evaluations]) => [id, outcome(job, allocations, evaluations)] as const)
      ),
    { concurrency: 4 }
  )
  return new Map(states)
})
