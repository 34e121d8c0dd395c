import { Effect, Either, HashMap, Option } from "effect"
import { decodeRegisterRequest, type Job } from "../../src/embedded/nomad/machine/JobSpec.ts"
import { enforcedIndexFault } from "../../src/embedded/nomad/machine/registerJob.ts"
import { unimplemented } from "../../src/embedded/nomad/machine/unimplemented.ts"
import { validateJob } from "../../src/embedded/nomad/machine/validateJob.ts"
import { type ApiError, Invalid } from "../../src/http/ApiError.ts"
import { apiErrorOf } from "../../src/nomad/apiErrorOf.ts"
import type { Registered, RegisterOptions } from "../../src/nomad/Nomad.ts"
import type { NomadWorld } from "./NomadWorld.ts"
import type { SimProcess } from "./SimProcess.ts"
import type { Wire } from "./Wire.ts"

/**
 * A registration as Nomad before 1.10.11 does it: the index that it is to enforce is checked first and the job written
 * a moment later, so that two of them can both pass.
 */
export const registerJob = (
  world: NomadWorld,
  wire: Wire,
  process: SimProcess,
  spec: { readonly ID: string },
  options: RegisterOptions | undefined
): Effect.Effect<Registered, ApiError> => {
  const operation = `register ${spec.ID}`
  const job = accepted(spec)
  if (Either.isLeft(job)) return Effect.fail(new Invalid({ system: "nomad", operation, detail: job.left }))
  return wire.call<Registered>(process, {
    system: "nomad",
    what: operation,
    kind: "write",
    check: () => {
      if (options?.createOnly !== true) return undefined
      const existing = Option.getOrUndefined(HashMap.get(world.state.jobs, spec.ID))
      const fault = enforcedIndexFault(existing, 0)
      return fault === undefined ? undefined : apiErrorOf(operation, 500, fault)
    },
    serve: () => {
      const reply = world.execute({ _tag: "Register", job: job.right, unchecked: true })
      return reply._tag === "Registered"
        ? Either.right({ evalId: reply.evaluationId, jobModifyIndex: reply.jobModifyIndex, warnings: "" })
        : Either.left(apiErrorOf(operation, 500, "text" in reply ? reply.text : reply._tag))
    }
  })
}

/** What Nomad keeps of what it is sent, or why it refuses it. */
const accepted = (spec: object): Either.Either<Job, string> => {
  const decoded = decodeRegisterRequest({ Job: spec })
  if (Either.isLeft(decoded)) return Either.left(decoded.left)
  const { request, refusals } = decoded.right
  if (request.Job === null) return Either.left("no job")
  const faults = [...validateJob(request.Job), ...refusals, ...unimplemented(request.Job)]
  return faults.length === 0 ? Either.right(request.Job) : Either.left(faults.join("; "))
}
