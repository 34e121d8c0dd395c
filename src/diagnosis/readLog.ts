import { shownLine } from "./shownLine.ts"

/** One stream of an attempt's output, as far as it is looked at. */
export interface LogText {
  readonly stream: LogStream
  /** Lines that aren't blank, in their order. */
  readonly lines: ReadonlyArray<LogLine>
  /** Some of it is missing: the archive cut it, or it is too long to be looked at whole. */
  readonly cut: boolean
}

export type LogStream = "stdout" | "stderr"

export interface LogLine {
  readonly stream: LogStream
  /** From 1, blank lines counted. */
  readonly number: number
  /** As a terminal would show it in the end: no colours, and of a progress bar its last state. */
  readonly text: string
}

/**
 * The lines of a log that may hold anything: its beginning and its end, each bounded in bytes and in lines, so that the work
 * stays small whatever a build printed.
 */
export const readLog = (stream: LogStream, content: Uint8Array): LogText => {
  const head = headEnd(content)
  const tail = tailStart(content, head)
  const parts =
    tail <= head
      ? [linesOf(stream, content, 1)]
      : [
          linesOf(stream, content.subarray(0, head), 1),
          linesOf(stream, content.subarray(tail), 1 + newlines(content, 0, tail))
        ]
  const lines = parts.flat()
  return { stream, lines, cut: tail > head || lines.some(({ text }) => archiveMark.test(text)) }
}

/** What the archive writes where it took out the middle. */
const archiveMark = /^\[(?:more than )?\d+ bytes were cut out here\]$/

const headBytes = 192 * 1024
const headLines = 3000
const tailBytes = 640 * 1024
const tailLines = 10_000

/** Characters of a line that are looked at: its beginning, and less of its end. */
const lineStart = 700
const lineEnd = 300

const newline = 10

const headEnd = (content: Uint8Array): number => {
  let lines = 0
  const most = Math.min(headBytes, content.length)
  for (let at = 0; at < most; at++) {
    if (content[at] !== newline) continue
    lines++
    if (lines === headLines) return at + 1
  }
  return most
}

const tailStart = (content: Uint8Array, from: number): number => {
  let lines = 0
  const least = Math.max(content.length - tailBytes, 0)
  // A last newline ends a line and begins none.
  for (let at = content.length - 2; at >= Math.max(least, from); at--) {
    if (content[at] !== newline) continue
    lines++
    if (lines === tailLines) return at + 1
  }
  return least
}

const newlines = (content: Uint8Array, from: number, to: number): number => {
  let count = 0
  for (let at = from; at < to; at++) if (content[at] === newline) count++
  return count
}

const linesOf = (stream: LogStream, content: Uint8Array, first: number): ReadonlyArray<LogLine> =>
  new TextDecoder()
    .decode(content)
    .split("\n")
    .flatMap((raw, at) => {
      const text = shownLine(raw, bounded)
      return text === "" ? [] : [{ stream, number: first + at, text }]
    })

const bounded = (line: string): string =>
  line.length <= lineStart + lineEnd ? line : `${line.slice(0, lineStart)} … ${line.slice(-lineEnd)}`
