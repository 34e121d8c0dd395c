import { promisify } from "node:util"
import { gunzip, gunzipSync, gzip, gzipSync } from "node:zlib"
import { Effect } from "effect"

/** Bytes that are packed faster than another thread could be told to. */
const little = 64 * 1024

/** As `gunzip` reads it. A large one is packed by another thread: this one has a heartbeat to keep. */
export const pack = (content: Uint8Array): Effect.Effect<Uint8Array> =>
  content.length <= little
    ? Effect.sync(() => gzipSync(content, { chunkSize: roomFor(content) }))
    : Effect.promise(() => promisify(gzip)(content))

/** In bytes. Most logs have a few lines: Node's own 16 KiB cost them more than the packing, and stay with what was packed. */
const roomFor = ({ length }: Uint8Array): number => Math.min(16 * 1024, length + frameBytes)

/** What gzip adds to what it can't make smaller. */
const frameBytes = 64

export const unpack = <E>(packed: Uint8Array, damaged: () => E): Effect.Effect<Uint8Array, E> =>
  packed.length <= little
    ? Effect.try({ try: (): Uint8Array => gunzipSync(packed), catch: damaged })
    : Effect.tryPromise({ try: (): Promise<Uint8Array> => promisify(gunzip)(packed), catch: damaged })
