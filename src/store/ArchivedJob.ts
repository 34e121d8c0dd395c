import { type Array as Arr, Effect, Option, Schema } from "effect"
import { Status, Timestamp } from "../domain/Status.ts"
import { pack, unpack } from "./packing.ts"

/** A finished job as it lies in the archive: its record and how it ended, in one value. */
export const ArchivedJob = Schema.Struct({
  name: Schema.String,
  archived_at: Timestamp,
  /** Missing: it was deleted before the run ended. */
  record: Schema.optional(
    Schema.Struct({
      key: Schema.String,
      /** As it was written; missing where the whole would have been too large, since the status repeats its content. */
      text: Schema.optional(Schema.String)
    })
  ),
  status: Status
})
export type ArchivedJob = typeof ArchivedJob.Type

/** Ever shorter forms of one job, for the limits of a transaction. The last one has all that can't be found elsewhere. */
export const formsOf = (job: ArchivedJob): Arr.NonEmptyReadonlyArray<ArchivedJob> => {
  const { record, status } = job
  const withoutText = record === undefined ? job : { ...job, record: { key: record.key } }
  const bare = { ...withoutText, status: { ...status, events: [], attempts: status.attempts.map(withoutTail) } }
  return [job, withoutText, bare]
}

/** The lines are in its archived log as well. */
const withoutTail = (attempt: Status["attempts"][number]): Status["attempts"][number] => {
  const { outcome } = attempt
  if (outcome === undefined || !("log_tail" in outcome)) return attempt
  const { log_tail: _tail, ...rest } = outcome
  return { ...attempt, outcome: rest }
}

const Json = Schema.parseJson(ArchivedJob)
const encode = Schema.encodeSync(Json)
const decode = Schema.decodeUnknownOption(Json)

/** Compressed: a record and the status that repeats it would otherwise not fit a transaction. */
export const packJob = (job: ArchivedJob): Effect.Effect<Uint8Array> => pack(new TextEncoder().encode(encode(job)))

/** None for bytes that no job was packed into. */
export const unpackJob = (value: Uint8Array): Effect.Effect<Option.Option<ArchivedJob>> =>
  Effect.match(
    unpack(value, () => "damaged" as const),
    { onFailure: () => Option.none(), onSuccess: (bytes) => decode(new TextDecoder().decode(bytes)) }
  )
