import { gunzipSync, gzipSync } from "node:zlib"
import { Context, Effect, Layer } from "effect"
import { Consul } from "../consul/Consul.ts"
import { type ApiError, Invalid } from "../http/ApiError.ts"
import type { Keys } from "./keys.ts"

export type LogStream = "stdout" | "stderr"

/** What became of a log in the archive. */
export interface Archived {
  /** Bytes of the whole log, as Nomad had it. */
  readonly bytes: number
  /** Its middle was cut out. */
  readonly truncated: boolean
}

/** The logs of ended attempts, below `logs/`, since Nomad forgets them. */
export class LogArchive extends Context.Tag("jobforge/store/LogArchive")<
  LogArchive,
  {
    /** Keeps head and tail of what is too long, and says in between what was cut. Repeating it changes nothing. */
    readonly write: (
      name: string,
      nomadJobId: string,
      stream: LogStream,
      content: Uint8Array
    ) => Effect.Effect<Archived, ApiError>
    /** Empty when there is none. */
    readonly read: (name: string, nomadJobId: string, stream: LogStream) => Effect.Effect<Uint8Array, ApiError>
  }
>() {
  static readonly layer = (keys: Keys): Layer.Layer<LogArchive, never, Consul> => Layer.effect(LogArchive, make(keys))
}

const mebi = 1024 * 1024

/** Bytes of one stream that are kept: errors stand at the end, what led to them at the beginning. */
const headKept = 1 * mebi
const tailKept = 3 * mebi

/** Below Consul's limit of 512 KiB for a value, with room for the key. */
const pieceBytes = 400 * 1024

const make = Effect.fnUntraced(function* (keys: Keys) {
  const consul = yield* Consul

  const write = Effect.fnUntraced(function* (name: string, nomadJobId: string, stream: LogStream, content: Uint8Array) {
    if (content.length === 0) return { bytes: 0, truncated: false }
    const { kept, truncated } = bounded(content)
    const packed = gzipSync(kept)
    const pieces = Math.ceil(packed.length / pieceBytes)
    yield* Effect.forEach(
      Array.from({ length: pieces }, (_, piece) => piece),
      (piece) =>
        consul.put(
          keys.logPiece(name, nomadJobId, stream, piece),
          packed.subarray(piece * pieceBytes, (piece + 1) * pieceBytes)
        ),
      { concurrency: 4, discard: true }
    )
    return { bytes: content.length, truncated }
  })

  const read = Effect.fnUntraced(function* (name: string, nomadJobId: string, stream: LogStream) {
    const { value } = yield* consul.list(keys.logsOf(name, nomadJobId, stream))
    const pieces = value.toSorted((a, b) => pieceNumber(a.key) - pieceNumber(b.key)).map((entry) => entry.value)
    if (pieces.length === 0) return new Uint8Array()
    return yield* Effect.try({
      try: (): Uint8Array => gunzipSync(Buffer.concat(pieces)),
      catch: () =>
        new Invalid({ system: "consul", operation: `log of ${nomadJobId}`, detail: "the archived pieces are damaged" })
    })
  })

  return LogArchive.of({ write, read })
})

const pieceNumber = (key: string): number => Number(key.slice(key.lastIndexOf(".") + 1))

const bounded = (content: Uint8Array): { readonly kept: Uint8Array; readonly truncated: boolean } => {
  const cut = content.length - headKept - tailKept
  if (cut <= 0) return { kept: content, truncated: false }
  const mark = new TextEncoder().encode(`\n[${cut} bytes were cut out here]\n`)
  return {
    kept: Buffer.concat([content.subarray(0, headKept), mark, content.subarray(content.length - tailKept)]),
    truncated: true
  }
}
