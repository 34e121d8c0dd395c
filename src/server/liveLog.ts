import { Effect, Option, Stream } from "effect"
import type { ApiError } from "../http/ApiError.ts"
import type { Nomad } from "../nomad/Nomad.ts"
import { type BoundedLog, makeLogWindow, tailKept } from "../store/BoundedLog.ts"
import type { LogStream } from "../store/LogArchive.ts"
import { lineText, makeLineCutter } from "./cutLines.ts"
import type { LogFilter } from "./LiveLogFilter.ts"

/** One stream of a task that Nomad still knows. */
export interface LiveSource {
  readonly nomad: Nomad["Type"]
  readonly allocationId: string
  readonly stream: LogStream
  readonly filter: () => LogFilter
}

/** The task that each of our jobs has. */
export const taskName = "main"

/** All of it so far, bounded as the archive will have it; never more than that and a slice is in memory. */
export const readLive = Effect.fn("readLive")(function* (source: LiveSource): Effect.fn.Return<BoundedLog, ApiError> {
  const window = makeLogWindow()
  const head = source.filter()
  for (let offset = 0; offset < mostRead; offset += sliceBytes) {
    const slice = yield* read(source, { offset, limit: sliceBytes })
    window.add(head.add(slice))
    if (slice.length < sliceBytes) {
      window.add(head.end())
      return window.end()
    }
  }
  window.leap()
  const end = source.filter()
  window.add(end.add(yield* read(source, { origin: "end", offset: tailKept, limit: tailKept })))
  window.add(end.end())
  return window.end()
})

/** Its last bytes, from the beginning of a line; none when they don't hold so many lines and there is more before them. */
export const readLiveEnd = Effect.fn("readLiveEnd")(function* (
  source: LiveSource,
  lines: number
): Effect.fn.Return<Option.Option<Uint8Array>, ApiError> {
  const end = yield* read(source, { origin: "end", offset: endBytes, limit: endBytes })
  const isWhole = end.length < endBytes
  const filter = source.filter()
  // What the filter has to see before it can judge, if it begins in the middle.
  const before = filter.add(isWhole ? new Uint8Array() : end.subarray(0, overlapBytes))
  const shown = Buffer.concat([before, filter.add(isWhole ? end : end.subarray(overlapBytes)), filter.end()])
  if (isWhole) return Option.some(shown)
  const from = shown.indexOf(newline, before.length) + 1
  const cutter = makeLineCutter()
  const whole = [...cutter.add(shown.subarray(from)), cutter.rest()]
  const written = whole.filter((line) => lineText(line).trim() !== "").length
  return from > 0 && written >= lines ? Option.some(shown.subarray(from)) : Option.none()
})

/** All of it so far, as long as it is. */
export const streamLive = (source: LiveSource): Stream.Stream<Uint8Array, ApiError> =>
  Stream.suspend(() => {
    const filter = source.filter()
    const slices = Stream.paginateEffect(0, (offset) =>
      Effect.map(read(source, { offset, limit: sliceBytes }), (slice) => [
        filter.add(slice),
        slice.length < sliceBytes ? Option.none<number>() : Option.some(offset + slice.length)
      ])
    )
    return Stream.concat(
      slices,
      Stream.sync(() => filter.end())
    )
  })

const sliceBytes = 1024 * 1024

/** As much as the archive is filled from: beyond it only the end is read. */
const mostRead = 256 * sliceBytes

/** Where somebody who wants a few last lines looks first. */
const endBytes = 256 * 1024

/** More than the longest secret that spans lines. */
const overlapBytes = 32 * 1024

const newline = 10

const read = ({ allocationId, nomad, stream }: LiveSource, options: Parameters<Nomad["Type"]["logs"]>[3]) =>
  nomad.logs(allocationId, taskName, stream, options)
