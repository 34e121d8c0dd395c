import { Option, Schema } from "effect"
import { BuildJob } from "../domain/BuildJob.ts"
import { Attempt, Status, StatusEvent, Timestamp } from "../domain/Status.ts"
import { encodedOnce } from "./encodedOnce.ts"
import { type StoredJson, storedJson } from "./storedJson.ts"

/** Written again with each step of its run, most of which stays as it is. */
const Written = Schema.Struct({
  ...Status.fields,
  // Missing only in what earlier versions wrote.
  slots: Schema.Array(Schema.String),
  config: Schema.optional(encodedOnce(BuildJob)),
  attempts: Schema.Array(encodedOnce(Attempt)),
  events: Schema.Array(encodedOnce(StatusEvent))
})

/** The value of a key below `status/`. */
export const statusValue: StoredJson<Status> = {
  encode: storedJson(Written).encode,
  decode: storedJson(Status).decode
}

/**
 * Of bytes that are no status for this version: whether they are one by their build. A newer version has written it, with a
 * phase or a result that is unknown here. Nothing may be made of it, and nothing begun in its place.
 */
export const isNewerStatus = (bytes: Uint8Array): boolean => Option.isSome(built.decode(bytes))

/** What every version's status has. */
const built = storedJson(
  Schema.Struct({
    name: Schema.NonEmptyString,
    generation: Schema.NonNegativeInt,
    hash: Schema.String,
    status: Schema.NonEmptyString,
    attempts: Schema.Array(Schema.Struct({ nomad_job_id: Schema.NonEmptyString, phase: Schema.NonEmptyString })),
    updated_at: Timestamp
  })
)
