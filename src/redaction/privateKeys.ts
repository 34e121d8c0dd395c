import type { Span } from "./Span.ts"

export interface FoundKeys {
  readonly spans: ReadonlyArray<Span>
  /** Where a key may begin whose end isn't there yet. */
  readonly undecided: number | undefined
}

/**
 * The inner parts of private keys in PEM, on lines of their own or, as JSON has them, on one. A key whose end is missing
 * goes as far as its lines do.
 *
 * What it says of a key depends on the bytes that follow the key's beginning and on nothing else, so that it is the same
 * however a log is cut into pieces; while it can't be said, `undecided` tells where it begins.
 */
export const privateKeys = (text: string, complete: boolean): FoundKeys => {
  const spans: Array<Span> = []
  for (const { 0: frame, index } of text.matchAll(beginning)) {
    const start = index + frame.length
    const following = text.slice(start, start + longest)
    const whole = complete || following.length === longest
    const inner = innerOf(following, whole)
    if (inner === undefined) return { spans, undecided: index }
    if (!keyText.test(inner)) continue
    const end = start + withoutBreaks(inner).length
    spans.push({ start: start + (leadingBreaks.exec(inner)?.[0].length ?? 0), end })
  }
  return { spans, undecided: undefined }
}

const beginning = /-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----/g
const anyFrame = /-----(?:BEGIN|END) /

/** Bytes of the longest key that is one: RSA with 16,384 bits has 13 KiB. */
const longest = 16 * 1024

/** Digits of base64, not interrupted. */
const keyText = /[A-Za-z0-9+/=]{16}/

/** `undefined`: more must be seen. Empty: it is no key. */
const innerOf = (following: string, whole: boolean): string | undefined => {
  const [same = "", first, rest] = following.split("\n", 3)
  if (!whole && (first === undefined || (rest === undefined && !keyText.test(same)))) return undefined
  // The marker alone, as a search for it prints it, is followed by a line that can't be a key's first.
  if (!keyText.test(same) && !isFirstLine(first ?? "")) return ""
  const stop = following.search(anyFrame)
  if (stop === -1) return whole ? followingLines(following) : undefined
  return following.startsWith("-----END", stop) ? beforeFrame(following.slice(0, stop)) : followingLines(following)
}

/** Whatever a collector of logs writes before each line stays before the last one. */
const beforeFrame = (inner: string): string => {
  const line = inner.lastIndexOf("\n")
  return line === -1 || keyText.test(inner.slice(line)) ? inner : inner.slice(0, line)
}

const isFirstLine = (line: string): boolean => line.trim() === "" || keyHeader.test(line) || keyText.test(line)

const keyHeader = /\b(?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset): /

const followingLines = (text: string): string => /^(?:[ \t]*\r?\n[ \t]*[A-Za-z0-9+/=]{16,80})*/.exec(text)?.[0] ?? ""

const leadingBreaks = /^(?:\s|\\r|\\n)+/

const withoutBreaks = (text: string): string => {
  let end = text.trimEnd()
  while (end.endsWith(String.raw`\n`) || end.endsWith(String.raw`\r`)) end = end.slice(0, -2).trimEnd()
  return end
}
