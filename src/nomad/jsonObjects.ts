import { Chunk, Option, Stream } from "effect"
import { joinBytes } from "./joinBytes.ts"

/**
 * Splits bytes into the JSON objects that they hold, whatever lies between them: newlines in the event stream, nothing
 * in a log stream. Objects arrive cut anywhere, within a character too.
 *
 * Nomad appends the text of a late error to what it has already sent. What isn't an object, and an object that was cut
 * off, is the last element, as it is.
 */
export const jsonObjects = <E, R>(bytes: Stream.Stream<Uint8Array, E, R>): Stream.Stream<string, E, R> =>
  Stream.suspend(() => {
    const splitter = makeSplitter()
    return bytes.pipe(
      Stream.mapConcat(splitter.push),
      Stream.concat(Stream.suspend(() => Stream.fromChunk(Chunk.fromIterable(Option.toArray(splitter.rest())))))
    )
  })

const brace = { open: 0x7b, close: 0x7d }
const quote = 0x22
const backslash = 0x5c

/** The next byte that a string's end hangs on, in one step: a log's frame is a single long string. */
const specialIn = (bytes: Uint8Array) => {
  const next = (byte: number, from: number) => {
    const at = bytes.indexOf(byte, from)
    return at === -1 ? bytes.length : at
  }
  let escape = -1
  let end = -1
  return (from: number): number => {
    if (escape < from) escape = next(backslash, from)
    if (end < from) end = next(quote, from)
    return Math.min(escape, end)
  }
}

/** The same for pieces that are handed to it: `rest` is what is left after the last one. */
export const makeSplitter = () => {
  const decoder = new TextDecoder()
  // Pieces of the object that is under way, from chunks before this one.
  let pending: Array<Uint8Array> = []
  let depth = 0
  let inString = false
  let escaped = false
  let garbled = false

  const step = (byte: number): "inside" | "end" => {
    if (inString) {
      if (escaped) escaped = false
      else if (byte === backslash) escaped = true
      else if (byte === quote) inString = false
      return "inside"
    }
    if (byte === quote) inString = true
    else if (byte === brace.open) depth += 1
    else if (byte === brace.close) depth -= 1
    return depth === 0 ? "end" : "inside"
  }

  const take = (piece: Uint8Array): string => {
    const text = decoder.decode(joinBytes([...pending, piece]))
    pending = []
    return text
  }

  return {
    push: (chunk: Uint8Array): ReadonlyArray<string> => {
      const objects: Array<string> = []
      let start = 0
      const special = specialIn(chunk)
      for (let at = 0; at < chunk.length && !garbled; at += 1) {
        if (inString && !escaped) at = special(at)
        const byte = chunk[at] ?? 0
        if (depth > 0) {
          if (step(byte) === "end") {
            objects.push(take(chunk.subarray(start, at + 1)))
            start = at + 1
          }
        } else if (byte === brace.open) {
          depth = 1
          start = at
        } else if (byte > 0x20) {
          garbled = true
          start = at
        }
      }
      if (depth > 0 || garbled) pending.push(chunk.slice(start))
      return objects
    },
    rest: (): Option.Option<string> => (pending.length === 0 ? Option.none() : Option.some(take(new Uint8Array())))
  }
}
