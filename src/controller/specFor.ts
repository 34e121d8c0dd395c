import { finalImage, finalTags } from "../domain/ImageReference.ts"
import { resolveJob, testCases } from "../domain/resolve.ts"
import type { Attempt, Status } from "../domain/Status.ts"
import { buildSpec } from "../jobspec/buildSpec.ts"
import { cleanupSpec } from "../jobspec/cleanupSpec.ts"
import type { NomadJob } from "../jobspec/NomadJob.ts"
import type { PhaseInput } from "../jobspec/PhaseInput.ts"
import { publishSpec } from "../jobspec/publishSpec.ts"
import { testSpec } from "../jobspec/testSpec.ts"
import type { Settings } from "../store/Settings.ts"

/**
 * The Nomad job of one attempt: the same for the same status and settings, so that a repeated registration is none.
 * Undefined for an attempt that its status has no ground for, which only a damaged status can hold.
 */
export const specFor = (
  installation: string,
  settings: Settings,
  status: Status,
  attempt: Attempt
): NomadJob | undefined => {
  if (status.config === undefined || status.job_id === undefined) return undefined
  const job = resolveJob(status.config, settings.policy.defaults)
  const input: PhaseInput = {
    installation,
    record: status.name,
    generation: status.generation,
    jobId: status.job_id,
    attempt: attempt.attempt,
    nomadId: attempt.nomad_job_id,
    job,
    settings: settings.spec
  }
  const images = finalTags(status.job_id, job).map((tag) => finalImage(job, tag))
  const { temporary_image: temporary, digest } = status
  if (attempt.phase === "build") {
    return buildSpec(
      input,
      temporary === undefined ? { kind: "final", images } : { kind: "temporary", image: temporary }
    )
  }
  if (temporary === undefined) return undefined
  if (attempt.phase === "cleanup") return cleanupSpec(input, temporary)
  if (digest === undefined) return undefined
  const tested = `${repository(temporary)}@${digest}`
  if (attempt.phase === "publish") return publishSpec(input, tested, digest, images)
  const test = testCases(job).find((one) =>
    one.kind === "command"
      ? attempt.test?.kind === "command" && attempt.test.index === one.index
      : attempt.test?.kind === "entry-point"
  )
  return test === undefined ? undefined : testSpec(input, test, tested)
}

/** A temporary image always ends in its tag. */
const repository = (image: string): string => image.slice(0, image.lastIndexOf(":"))
