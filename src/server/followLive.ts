import { Effect, Option, Stream } from "effect"
import type { ApiError } from "../http/ApiError.ts"
import type { LogFrame } from "../nomad/Nomad.ts"
import { lineText, makeLineCutter } from "./cutLines.ts"
import { type LiveSource, taskName } from "./liveLog.ts"
import type { LogAnchor, LogPosition } from "./LogCursor.ts"

/** Lines of one stream that arrived together. */
export interface FollowedLines {
  readonly lines: ReadonlyArray<FollowedLine>
  /** Before these lines Nomad threw some away that nobody has read. */
  readonly lost: boolean
}

export interface FollowedLine {
  readonly text: string
  /** Shown bytes of the stream before it. */
  readonly start: number
  /** Behind the line. */
  readonly position: LogPosition
}

/** From this position on, as it is written; never ends by itself. */
export const followLive = (source: LiveSource, from: LogPosition): Stream.Stream<FollowedLines, ApiError> =>
  Stream.suspend(() => {
    const reader = new LiveReader(source, from)
    return Stream.map(framesFrom(source, from.anchor), (frame) => reader.take(frame))
  })

/** Turns frames into lines with their places. */
class LiveReader {
  private readonly filter
  private readonly cutter = makeLineCutter()
  private readonly allocation: string
  private anchor: LogAnchor
  private before: LogAnchor
  private raw: number
  private file: number
  private at: number
  /** Shown bytes up to the end of the last whole line. */
  private shown: number
  /** Shown bytes that came out of the filter. */
  private filtered: number
  /** Shown bytes that the reader has had before. */
  private readonly had: number

  constructor(source: LiveSource, from: LogPosition) {
    this.filter = source.filter()
    this.allocation = from.allocation
    this.anchor = from.anchor
    this.before = from.anchor
    this.raw = from.anchor.raw
    this.file = from.anchor.file
    this.at = from.anchor.at
    this.shown = from.anchor.shown
    this.filtered = from.anchor.shown
    this.had = from.shown
  }

  take({ data, file: path }: LogFrame): FollowedLines {
    const number = fileNumber(path)
    const lost = number > (this.raw === 0 ? this.file : this.file + 1)
    if (number !== this.file) this.at = 0
    this.file = number
    this.at += data.length
    this.raw += data.length
    const shown = this.filter.add(data)
    this.filtered += shown.length
    const lines = this.cutter.add(this.unseen(shown)).map((bytes) => {
      const start = this.shown
      this.shown += bytes.length
      // A line that is cut for its length may end a few bytes before this frame.
      const anchor = this.shown < this.anchor.shown ? this.before : this.anchor
      return { text: lineText(bytes), start, position: { allocation: this.allocation, shown: this.shown, anchor } }
    })
    this.moveAnchor()
    return { lines, lost }
  }

  /** What the reader has had ends with a line, so the lines after it are cut as they were. */
  private unseen(shown: Uint8Array): Uint8Array {
    const start = this.filtered - shown.length
    if (start >= this.had) return shown
    const skipped = Math.min(shown.length, this.had - start)
    this.shown = start + skipped
    return shown.subarray(skipped)
  }

  /** As far as the filter has decided, and in one file with it: there somebody else can go on. */
  private moveAnchor(): void {
    const held = this.filter.held()
    if (held > this.at) return
    this.before = this.anchor
    this.anchor = { raw: this.raw - held, shown: this.filtered, file: this.file, at: this.at - held }
  }
}

/**
 * Nomad counts offsets from the oldest file that it has left. As long as that is the first one, they count from the
 * beginning; later the place must be looked for.
 */
const framesFrom = (source: LiveSource, from: LogAnchor): Stream.Stream<LogFrame, ApiError> => {
  const follow = (offset: number) => source.nomad.followLogs(source.allocationId, taskName, source.stream, offset)
  if (from.raw === 0) return follow(0)
  const oldest = follow(0).pipe(
    Stream.runHead,
    Effect.timeoutTo({ duration: "5 seconds", onSuccess: (frame) => frame, onTimeout: () => Option.none<LogFrame>() }),
    Effect.map(Option.match({ onNone: () => 0, onSome: ({ file }) => fileNumber(file) }))
  )
  return Stream.unwrap(
    Effect.map(oldest, (number) =>
      number === 0 ? follow(from.raw) : Stream.suspend(() => Stream.filterMap(follow(0), behind(from)))
    )
  )
}

/** Leaves out what lies before a place in a file. */
const behind = ({ at, file }: LogAnchor) => {
  let seen = 0
  return (frame: LogFrame): Option.Option<LogFrame> => {
    const number = fileNumber(frame.file)
    if (number !== file) return number < file ? Option.none() : Option.some(frame)
    const start = seen
    seen += frame.data.length
    return seen <= at ? Option.none() : Option.some({ ...frame, data: frame.data.subarray(Math.max(0, at - start)) })
  }
}

/** `alloc/logs/main.stdout.3`. */
const fileNumber = (path: string): number => Number(/\.(\d+)$/.exec(path)?.[1] ?? 0)
