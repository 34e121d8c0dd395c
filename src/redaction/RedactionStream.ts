import { type Automaton, isBlank } from "./Automaton.ts"
import { credentialSpans } from "./credentialRules.ts"
import { Input } from "./Input.ts"
import { placeholder } from "./placeholder.ts"
import { privateKeys } from "./privateKeys.ts"
import { type Span, united } from "./Span.ts"
import { SpanList } from "./SpanList.ts"

/**
 * Redacts what arrives in pieces: all that it gives out, put together, is the same however the input was cut. Whole lines
 * come out as soon as nothing in them can be part of a secret any more; what is held back is bounded.
 */
export interface RedactionStream {
  /** What may be shown by now. */
  readonly add: (piece: Uint8Array) => Uint8Array
  /** How many of the bytes that came last are held back. From there on a new stream would do the same. */
  readonly held: () => number
  /** What was held back. Nothing may follow. */
  readonly end: () => Uint8Array
}

export interface Automata {
  readonly plain: Automaton
  readonly wrapped: Automaton
}

/** Bytes of a line without an end that are waited for; beyond them it is cut where a word ends. */
const longestLine = 32 * 1024
const wordWithin = 4 * 1024

export const makeRedactionStream = (automata: Automata): RedactionStream => {
  const plain = automata.plain.scanner()
  const wrapped = automata.wrapped.scanner()
  const input = new Input()
  const exact = new SpanList()
  const spaced = new SpanList()
  /** Where too long lines are cut. */
  let cuts: Array<number> = []
  let lineStart = 0

  const scan = (from: number) => {
    const { bytes } = input
    const at = input.base
    plain.scan(bytes, from - at, input.end - at, (end, length) => exact.add(at + end - length, at + end))
    wrapped.scan(bytes, from - at, input.end - at, (end, length) =>
      spaced.addCounted(at + end, length, (index) => !isBlank(bytes[index - at] ?? 0))
    )
  }

  const findLines = (from: number) => {
    for (let search = from; ; search = lineStart) {
      const limit = lineStart + longestLine
      const found = input.indexOf(10, Math.max(search, lineStart), limit)
      if (found !== -1) lineStart = found + 1
      else if (input.end < limit) return
      else {
        lineStart = input.afterBlank(limit - wordWithin, limit)
        cuts.push(lineStart)
      }
    }
  }

  const startOfLine = (at: number) =>
    Math.max(input.base, input.lastIndexOf(10, at - 1) + 1, cuts.findLast((cut) => cut <= at) ?? 0)

  /** Everything before `to`, which is the beginning of a line or the end of all. */
  const release = (to: number, keys: ReadonlyArray<Span>): Uint8Array => {
    const from = input.base
    const borders = [from, ...cuts.filter((cut) => cut > from && cut < to), to]
    const guessed = borders.slice(1).flatMap((end, index) => {
      const start = borders[index] ?? from
      return credentialSpans(input.text(start, end)).map((span) => moved(span, start))
    })
    const spans = united([...exact.take(to), ...spaced.take(to), ...keys.filter(({ end }) => end <= to), ...guessed])
    const output = spans.length === 0 ? input.slice(from, to) : replaced(input, from, to, spans)
    input.drop(to)
    cuts = cuts.filter((cut) => cut > to)
    return output
  }

  const keysIn = (complete: boolean) => {
    const from = input.base
    if (!input.includes("PRIVATE KEY")) return { spans: [], undecided: undefined }
    const { spans, undecided } = privateKeys(input.text(from, input.end), complete)
    return {
      spans: spans.map((span) => moved(span, from)),
      undecided: undecided === undefined ? undefined : from + undecided
    }
  }

  return {
    add: (piece) => {
      const from = input.end
      const before = lineStart
      input.add(piece)
      scan(from)
      findLines(from)
      if (lineStart === before) return nothing
      const keys = keysIn(false)
      const open = [
        input.end - plain.open(),
        input.back(input.end, wrapped.open()),
        keys.undecided ?? lineStart,
        lineStart
      ]
      let to = startOfLine(Math.min(...open))
      for (const { start, end } of united([...exact.all, ...spaced.all, ...keys.spans]).toReversed()) {
        if (end <= to) break
        if (start < to) to = startOfLine(start)
      }
      return to <= input.base ? nothing : release(to, keys.spans)
    },
    end: () => release(input.end, keysIn(true).spans),
    held: () => input.end - input.base
  }
}

const nothing = new Uint8Array()

const moved = ({ end, start }: Span, by: number): Span => ({ start: start + by, end: end + by })

const replaced = (input: Input, from: number, to: number, spans: ReadonlyArray<Span>): Uint8Array => {
  const mark = new TextEncoder().encode(placeholder)
  const pieces: Array<Uint8Array> = []
  let at = from
  for (const { end, start } of spans) {
    pieces.push(input.view(at, start), mark)
    at = end
  }
  return Buffer.concat([...pieces, input.view(at, to)])
}
