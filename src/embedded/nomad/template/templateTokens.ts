import { TemplateFault } from "./TemplateFault.ts"

export type Piece =
  | { readonly _tag: "Text"; readonly text: string }
  | { readonly _tag: "Action"; readonly tokens: ReadonlyArray<Token> }

export type Token =
  | { readonly _tag: "String"; readonly value: string }
  | { readonly _tag: "Number"; readonly value: number }
  | { readonly _tag: "Word"; readonly value: string }
  /** `.a.b`, or `.` alone, with whether white space stood before it. */
  | { readonly _tag: "Path"; readonly path: ReadonlyArray<string>; readonly spaced: boolean }
  | { readonly _tag: "Sign"; readonly value: "(" | ")" | "|" }

/** Splits a template at its delimiters; `-` beside one trims the white space on that side. Throws TemplateFault. */
export const templatePieces = (text: string, left: string, right: string): ReadonlyArray<Piece> => {
  const pieces: Array<Piece> = []
  let rest = text
  let trim = false
  for (;;) {
    const start = rest.indexOf(left)
    const before = start < 0 ? rest : rest.slice(0, start)
    const afterLeft = start < 0 ? "" : rest.slice(start + left.length)
    const trimBefore = /^-\s/.test(afterLeft)
    let shown = trim ? before.trimStart() : before
    if (trimBefore) shown = shown.trimEnd()
    if (shown !== "") pieces.push({ _tag: "Text", text: shown })
    if (start < 0) return pieces
    const { end, comment } = actionEnd(afterLeft, right)
    const body = afterLeft.slice(0, end)
    trim = /\s-$/.test(body)
    if (!comment) pieces.push({ _tag: "Action", tokens: tokensOf(body.replace(/^-\s/, "").replace(/\s-$/, "")) })
    rest = afterLeft.slice(end + right.length)
  }
}

const actionEnd = (text: string, right: string): { readonly end: number; readonly comment: boolean } => {
  if (/^(-\s)?\/\*/.test(text)) {
    const close = text.indexOf("*/")
    const end = close < 0 ? -1 : text.indexOf(right, close)
    if (end < 0) throw new TemplateFault("unclosed comment")
    return { end, comment: true }
  }
  let at = 0
  while (at < text.length) {
    if (text.startsWith(right, at)) return { end: at, comment: false }
    const quoted = quotedAt(text, at)
    at += quoted === undefined ? 1 : quoted.length
  }
  throw new TemplateFault("unclosed action")
}

/** A string literal that begins here, delimiters included. */
const quotedAt = (text: string, at: number): string | undefined => {
  const sticky = /"(?:[^"\\\n]|\\.)*"|`[^`]*`/y
  sticky.lastIndex = at
  return sticky.exec(text)?.[0]
}

const tokenPattern =
  /(?<space>\s*)(?:(?<string>"(?:[^"\\\n]|\\.)*"|`[^`]*`)|(?<number>-?\d+(?:\.\d+)?)|(?<path>(?:\.[A-Za-z_]\w*)+|\.)|(?<word>\$?[A-Za-z_]\w*|\$)|(?<sign>[()|]))/y

const tokensOf = (body: string): ReadonlyArray<Token> => {
  const tokens: Array<Token> = []
  const text = body.trimEnd()
  tokenPattern.lastIndex = 0
  while (tokenPattern.lastIndex < text.length) {
    const at = tokenPattern.lastIndex
    const groups = tokenPattern.exec(text)?.groups
    if (groups === undefined) throw new TemplateFault(`unexpected ${JSON.stringify(text.slice(at).trim())} in action`)
    tokens.push(toToken(groups))
  }
  return tokens
}

const toToken = (groups: Readonly<Record<string, string | undefined>>): Token => {
  const { string, number, path, word, sign, space } = groups
  if (string !== undefined) return { _tag: "String", value: unquote(string) }
  if (number !== undefined) return { _tag: "Number", value: Number(number) }
  if (path !== undefined) {
    return { _tag: "Path", path: path.split(".").filter((name) => name !== ""), spaced: space !== "" }
  }
  if (word !== undefined) return { _tag: "Word", value: word }
  return { _tag: "Sign", value: sign === "(" || sign === ")" ? sign : "|" }
}

const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", a: "\x07", b: "\b", f: "\f", v: "\v" }

const unquote = (literal: string): string =>
  literal.startsWith("`")
    ? literal.slice(1, -1)
    : literal
        .slice(1, -1)
        .replaceAll(
          /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|(.))/g,
          (_, hex?: string, unicode?: string, single?: string) =>
            single === undefined
              ? String.fromCodePoint(Number.parseInt(hex ?? unicode ?? "0", 16))
              : (escapes[single] ?? single)
        )
