import { Effect, Option } from "effect"
import type { ApiError } from "../http/ApiError.ts"
import { headKept } from "../store/BoundedLog.ts"
import type { LogArchive, LogStream } from "../store/LogArchive.ts"

/** One stream of one attempt as the archive has it. */
export interface ArchivedLog {
  readonly kept: Uint8Array
  /** Its middle was cut out. */
  readonly truncated: boolean
}

/** None for an empty log, and for one that the archive no longer keeps. `name`: the record's. */
export const readArchived = (
  archive: LogArchive["Type"],
  name: string,
  nomadJobId: string,
  stream: LogStream
): Effect.Effect<Option.Option<ArchivedLog>, ApiError> =>
  Effect.flatMap(
    archive.find(name, nomadJobId, stream),
    Option.match({
      onNone: () => Effect.succeedNone,
      onSome: ({ truncated }) =>
        Effect.map(archive.read(name, nomadJobId, stream), (kept) =>
          // It may be pruned between the two.
          kept.length === 0 ? Option.none() : Option.some({ kept, truncated })
        )
    })
  )

/** A part of an archived log: its bytes, or that some are not there. */
export type LogPart =
  | { readonly kind: "bytes"; readonly from: number; readonly bytes: Uint8Array }
  | { readonly kind: "cut"; readonly from: number; readonly to: number; readonly text: string }

/**
 * What the archive has of a log from this byte on. Bytes count as in the whole log, so that somebody who followed it while
 * it was written goes on in what was kept of it. A place behind the end is one in a log of which Nomad had thrown the
 * beginning away before it was archived: then only the end is sure to be new.
 */
export const archivedFrom = ({ kept, truncated }: ArchivedLog, from: number): ReadonlyArray<LogPart> => {
  const mark = truncated ? cutMark(kept) : undefined
  if (mark === undefined) return bytesFrom(kept, 0, from)
  const tailStart = headKept + mark.bytes
  const tail = kept.subarray(headKept + mark.length)
  if (from >= tailStart && from <= tailStart + tail.length) return bytesFrom(tail, tailStart, from)
  if (from > tailStart) {
    const text = "[some output was cut out here; what follows may have been there before]"
    return [{ kind: "cut", from, to: from, text }, ...bytesFrom(tail, from, from)]
  }
  const cutFrom = Math.max(from, headKept)
  const text = `[${mark.atLeast ? "more than " : ""}${tailStart - cutFrom} bytes were cut out here]`
  return [
    ...bytesFrom(kept.subarray(0, headKept), 0, from),
    { kind: "cut", from: cutFrom, to: tailStart, text },
    ...bytesFrom(tail, tailStart, from)
  ]
}

/** Bytes of the whole log, as far as anybody has counted them. */
export const archivedLength = ({ kept, truncated }: ArchivedLog): number => {
  const mark = truncated ? cutMark(kept) : undefined
  return mark === undefined ? kept.length : kept.length - mark.length + mark.bytes
}

const bytesFrom = (bytes: Uint8Array, start: number, from: number): ReadonlyArray<LogPart> => {
  const first = Math.max(from, start)
  const rest = bytes.subarray(first - start)
  return rest.length === 0 ? [] : [{ kind: "bytes", from: first, bytes: rest }]
}

/** As `BoundedLog` writes it behind the head. */
const markPattern = /^\n\[(more than )?(\d{1,15}) bytes were cut out here\]\n/
const longestMark = 80

const cutMark = (kept: Uint8Array) => {
  const text = new TextDecoder("latin1").decode(kept.subarray(headKept, headKept + longestMark))
  const [mark, atLeast, digits] = markPattern.exec(text) ?? []
  return mark === undefined ? undefined : { length: mark.length, atLeast: atLeast !== undefined, bytes: Number(digits) }
}
