import { Effect, Option } from "effect"
import type { Attempt, Status } from "../domain/Status.ts"
import { type ApiError, Invalid } from "../http/ApiError.ts"
import { Nomad } from "../nomad/Nomad.ts"
import { Redaction } from "../store/Redaction.ts"
import type { Settings } from "../store/Settings.ts"
import { logJobSpec } from "./logJobSpec.ts"
import { specFor } from "./specFor.ts"

/**
 * Registers the Nomad job of an attempt. One that exists already and is ours is success: an earlier pass got that far.
 * `Invalid` when Nomad refuses the job, or when its id is taken by somebody else.
 */
export const register = Effect.fnUntraced(function* (
  installation: string,
  settings: Settings,
  status: Status,
  attempt: Attempt
): Effect.fn.Return<void, ApiError, Nomad | Redaction> {
  const nomad = yield* Nomad
  const spec = specFor(installation, settings, status, attempt)
  if (spec === undefined) return yield* refused(attempt, "the status lacks what the job is made from")
  const { jobSpecs } = settings.observation
  if (jobSpecs !== "none") yield* logJobSpec(jobSpecs, spec, yield* (yield* Redaction).of(status))
  yield* nomad.register(spec, { createOnly: true }).pipe(
    Effect.asVoid,
    Effect.catchTag("Conflict", () =>
      Effect.flatMap(nomad.job(attempt.nomad_job_id), (found) => {
        const owner = Option.getOrUndefined(found)?.Meta["jobforge-installation"]
        return owner === undefined || owner === installation
          ? Effect.void
          : refused(attempt, "a job of this id belongs to another installation")
      })
    )
  )
  yield* Effect.logInfo(`${title[attempt.phase]} job submitted to Nomad`).pipe(
    Effect.annotateLogs({
      record: status.name,
      jobId: status.job_id,
      nomadJob: attempt.nomad_job_id,
      attempt: attempt.attempt
    })
  )
})

const title = { build: "Build", test: "Test", publish: "Publish", cleanup: "Cleanup" } as const

const refused = (attempt: Attempt, detail: string) =>
  new Invalid({ system: "nomad", operation: `register ${attempt.nomad_job_id}`, detail })
