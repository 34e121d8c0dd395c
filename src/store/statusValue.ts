import { Option, Schema } from "effect"
import { Status, Timestamp } from "../domain/Status.ts"
import { storedJson } from "./storedJson.ts"

/** The value of a key below `status/`. */
export const statusValue = storedJson(Status)

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
