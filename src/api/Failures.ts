import { HttpApiSchema } from "@effect/platform"
import { Schema } from "effect"

/** The body of every answer that is no success. `code` repeats the HTTP status. */
const failure = <Code extends number, Fields extends Schema.Struct.Fields>(
  identifier: string,
  code: Code,
  description: string,
  fields: Fields
) =>
  Schema.Struct({
    error: Schema.String,
    code: Schema.Literal(code),
    details: Schema.optional(Schema.String),
    ...fields
  }).annotations(HttpApiSchema.annotations({ identifier, description, status: code }))

export const BadRequest = failure(
  "BadRequest",
  400,
  "The request can't be read, or the configuration can't be built: then `errors` has all that is wrong with it.",
  {
    errors: Schema.optional(
      Schema.Array(
        Schema.Struct({
          path: Schema.String.annotations({ description: "From the top of the BuildJob: test.vault_secrets[0].path." }),
          message: Schema.String
        })
      )
    )
  }
)
export type BadRequest = typeof BadRequest.Type

export const Unauthenticated = failure("Unauthenticated", 401, "Who asks is not known, and must be.", {})
export const NotPermitted = failure("NotPermitted", 403, "Who asks may not do this.", {})
export const NotFound = failure("NotFound", 404, "There is no such job, or none that the caller may see.", {})

/** Who has what the job wants. */
export const Holder = Schema.Struct({ job_id: Schema.String, name: Schema.String })

export const Conflict = failure(
  "Conflict",
  409,
  "Not possible with the job as it is; for a submission: another job holds the image.",
  { holder: Schema.optional(Holder) }
)
export const TooLarge = failure("TooLarge", 413, "The body is larger than 1 MiB.", {})
export const KeyReused = failure("KeyReused", 422, "The Idempotency-Key made another job.", {
  job_id: Schema.String
})
export const TooManyRequests = failure("TooManyRequests", 429, "More than the service takes of one caller.", {})
export const Broken = failure("Broken", 500, "An error of the service's own.", {})
export const BadGateway = failure("BadGateway", 502, "Consul or Nomad refused what the service asked of it.", {})
export const Unavailable = failure(
  "Unavailable",
  503,
  "Consul or Nomad doesn't answer; Retry-After says when to ask again.",
  {}
)

export type Failure =
  | BadRequest
  | typeof Unauthenticated.Type
  | typeof NotPermitted.Type
  | typeof NotFound.Type
  | typeof Conflict.Type
  | typeof TooLarge.Type
  | typeof KeyReused.Type
  | typeof TooManyRequests.Type
  | typeof Broken.Type
  | typeof BadGateway.Type
  | typeof Unavailable.Type
