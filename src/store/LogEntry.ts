import { type Option, Schema } from "effect"

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

const Json = Schema.parseJson(LogEntry)

export const encodeLogEntry: (entry: LogEntry) => string = Schema.encodeSync(Json)

const decode = Schema.decodeUnknownOption(Json)

export const decodeLogEntry = (value: Uint8Array): Option.Option<LogEntry> => decode(new TextDecoder().decode(value))
