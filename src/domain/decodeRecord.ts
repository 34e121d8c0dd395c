import { Array as Arr, Either, Order, Schema } from "effect"
import type { BuildJob } from "./BuildJob.ts"
import { crossFieldFaults, type Fault } from "./BuildJobRules.ts"
import { checkRecordShape } from "./checkRecordShape.ts"
import { type FieldError, fieldError } from "./FieldError.ts"
import { hashJob } from "./hashJob.ts"
import { normaliseRecord } from "./normaliseRecord.ts"
import { parseRecordText } from "./parseRecordText.ts"
import { type OnConflict, RecordFields } from "./RecordFields.ts"
import { schemaFaults } from "./schemaFaults.ts"

/** What a record in `jobs/` asks for. */
export interface AskedRecord {
  readonly job: BuildJob
  readonly state: "active" | "cancelled"
  readonly labels: Readonly<Record<string, string>>
  /** `queue` when the record says nothing. */
  readonly onConflict: OnConflict
}

/** The same, ready to be compared with what was asked for before. */
export interface DesiredRecord extends AskedRecord {
  /** Equal for every spelling of the same job: see `hashJob`. */
  readonly hash: string
}

type Decoded<A> = Either.Either<A, Arr.NonEmptyReadonlyArray<FieldError>>

/** A record as it stands in KV or in a file: JSON or YAML, bare or wrapped. Total: whatever the text is, it answers. */
export const decodeRecord = (text: string): Decoded<DesiredRecord> =>
  parseRecordText(text).pipe(Either.mapLeft(Arr.of), Either.flatMap(decodeShaped), Either.map(withHash))

/** The same for JSON that was parsed already, from HTTP or from a tool call. */
export const decodeInput = (value: unknown): Decoded<DesiredRecord> => Either.map(decodeAsked(value), withHash)

/** The same for whoever writes the record down and compares it with nothing: its hash would be a good part of what it costs. */
export const decodeAsked = (value: unknown): Decoded<AskedRecord> =>
  checkRecordShape(value).pipe(
    Either.mapLeft(Arr.of),
    Either.flatMap(() => decodeShaped(value))
  )

/** All faults of what `parseRecordText` read, where a bound on their number would hide some from their author. */
export const recordFaults = (value: unknown): ReadonlyArray<Fault> => judge(value).faults

const judge = (value: unknown) => {
  const input = normaliseRecord(value)
  const decoded = decodeFields(input.record)
  const faults = [
    ...input.faults,
    ...(Either.isLeft(decoded) ? faultsOf(decoded.left) : []),
    ...crossFieldFaults(input.record)
  ]
  return { decoded, faults: Arr.sort(faults, inFieldOrder).map(input.asGiven) }
}

const withHash = (record: AskedRecord): DesiredRecord => ({ ...record, hash: hashJob(record.job) })

const decodeShaped = (value: unknown): Decoded<AskedRecord> => {
  const { decoded, faults } = judge(value)
  const errors = bounded(faults.map(({ fault, path }) => fieldError(path, fault)))
  if (Arr.isNonEmptyReadonlyArray(errors)) return Either.left(errors)
  // Without a fault there is a record.
  const { labels = {}, on_conflict: onConflict = "queue", state = "active", ...job } = Either.getOrThrow(decoded)
  return Either.right({ job, state, labels, onConflict })
}

const decodeFields = Schema.decodeUnknownEither(RecordFields, { errors: "all", onExcessProperty: "error" })

const faultsOf = schemaFaults(RecordFields)

/** As the schema lists the fields, so that the first error is the same on every interface; unknown keys are last. */
const inFieldOrder = Order.mapInput(
  Order.number,
  ({ path: [field = ""] }: { readonly path: ReadonlyArray<string | number> }) => {
    const rank = ["", ...Object.keys(RecordFields.fields)].indexOf(String(field))
    return rank === -1 ? Number.MAX_SAFE_INTEGER : rank
  }
)

/** An answer, and a status in KV, must stay readable however many values somebody got wrong. */
const maximumErrors = 100

const bounded = (errors: ReadonlyArray<FieldError>): ReadonlyArray<FieldError> =>
  errors.length <= maximumErrors
    ? errors
    : [...errors.slice(0, maximumErrors), { path: "", message: `and ${errors.length - maximumErrors} more errors` }]
