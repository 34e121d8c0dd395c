import { Effect, Either, Schema } from "effect"
import type { JobInput } from "../../api/Requests.ts"
import { decodeInput } from "../../domain/decodeRecord.ts"
import type { FieldError } from "../../domain/FieldError.ts"
import { normaliseRecord } from "../../domain/normaliseRecord.ts"
import { RecordFields } from "../../domain/RecordFields.ts"
import { type CommandError, usageError } from "../CommandError.ts"

/** The record as the service wants it, or all that is wrong with it. `named` says where a fault is. */
export const validated = (
  record: unknown,
  named: (error: FieldError) => string
): Effect.Effect<JobInput, CommandError> => {
  const decoded = decodeInput(record)
  if (Either.isLeft(decoded)) return Effect.fail(invalid(decoded.left.map(named)))
  // What the decoder accepts has this shape: it is checked for the type's sake.
  return Effect.orDie(decodeShape(normaliseRecord(record).record))
}

/** One line each, so that everything can be mended at once. */
export const invalid = (faults: ReadonlyArray<string>): CommandError =>
  usageError(
    faults.length === 1
      ? faults.join("")
      : `the configuration has ${faults.length} errors:\n${faults.map((fault) => `  ${fault}`).join("\n")}`
  )

const decodeShape = Schema.decodeUnknown(Schema.encodedSchema(RecordFields))
