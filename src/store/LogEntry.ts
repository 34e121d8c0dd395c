import { Schema } from "effect"
import { storedJson } from "./storedJson.ts"

/** More pieces than a bounded log can have; all of them are deleted in one transaction, which takes 64 operations. */
export const mostPieces = 48

/** What the index knows of one archived stream. */
const LogEntry = Schema.Struct({
  /** Milliseconds since the epoch: when it was archived first. */
  at: Schema.Number,
  /** Bytes in the store. */
  stored: Schema.NonNegativeInt,
  /** Values that they are split into. */
  pieces: Schema.Int.pipe(Schema.between(0, mostPieces)),
  /** Bytes of the whole log. */
  bytes: Schema.NonNegativeInt,
  truncated: Schema.Boolean
})
export type LogEntry = typeof LogEntry.Type

export const { decode: decodeLogEntry, encode: encodeLogEntry } = storedJson(LogEntry)
