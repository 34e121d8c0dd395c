import { Encoding } from "effect"

/**
 * How a value can stand in text whose bytes matter one by one: as it is, or quoted by a shell, a JSON or XML writer or a
 * URL. Writers differ in what they escape, so most of these come in several kinds.
 */
export const plainSpellings = (value: string): ReadonlyArray<string> => [
  ...new Set(asWritten(value).flatMap((text) => [...quotedSpellings(text), ...urlSpellings(text)]))
]

/**
 * Base64 and hexadecimal digits, which programs wrap at any column. In a longer base64 text a value can begin at each of
 * three places within a group of digits; of its first and last digits those are left out that depend on its neighbours.
 */
export const wrappedSpellings = (value: string): ReadonlyArray<string> => [
  ...new Set(asWritten(value).flatMap((text) => digitSpellings(new TextEncoder().encode(text))))
]

/** As a template puts it into a file, too: whoever encodes that encodes the escapes. */
const asWritten = (value: string): ReadonlyArray<string> => {
  const [text = value, , markupSafe = value] = jsonSpellings(value)
  return [...new Set([value, text, markupSafe])]
}

const quotedSpellings = (value: string): ReadonlyArray<string> => [
  value,
  value.replaceAll(/\r?\n/g, "\r\n"),
  ...jsonSpellings(value),
  ...shellSpellings(value),
  ...markupSpellings(value),
  // What Python's repr makes of it.
  value.replaceAll(/[\\']/g, String.raw`\$&`).replaceAll("\n", String.raw`\n`)
]

const urlSpellings = (value: string): ReadonlyArray<string> => {
  const bytes = new TextEncoder().encode(value)
  return kept.flatMap((keep) => percentSpellings(bytes, keep))
}

const digitSpellings = (bytes: Uint8Array): ReadonlyArray<string> => {
  const hex = Encoding.encodeHex(bytes)
  const whole = Encoding.encodeBase64(bytes)
  const base64 = [whole, whole.replace(/=+$/, ""), ...[0, 1, 2].map((before) => base64Core(bytes, before))]
  const urlSafe = base64.map((text) => text.replaceAll("+", "-").replaceAll("/", "_"))
  return [...base64, ...urlSafe, hex, hex.toUpperCase()]
}

const base64Core = (bytes: Uint8Array, before: number): string => {
  const padded = new Uint8Array(before + bytes.length)
  padded.set(bytes, before)
  const first = Math.ceil((before * 8) / 6)
  const end = Math.floor((padded.length * 8) / 6)
  return Encoding.encodeBase64(padded).slice(first, end)
}

const json = (text: string): string => JSON.stringify(text).slice(1, -1)

const unicodeEscape = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`

const jsonSpellings = (value: string): ReadonlyArray<string> => {
  const text = json(value)
  const ascii = text.replaceAll(/[\u0080-\uffff]/g, unicodeEscape)
  // Go's encoder keeps text safe for HTML, PHP's and some of JavaScript's for a closing tag.
  const markupSafe = text.replaceAll(/[<>&]/g, unicodeEscape)
  return [text, ascii, markupSafe, text.replaceAll("/", String.raw`\/`)]
}

const shellSpellings = (value: string): ReadonlyArray<string> => {
  // `$'…'`, with the bytes of other letters as numbers where the locale has no letters: octal in shells, hex in Python.
  const ansi = value
    .replaceAll(/[\\']/g, String.raw`\$&`)
    .replaceAll("\n", String.raw`\n`)
    .replaceAll("\t", String.raw`\t`)
  const quoted = value.replaceAll(/[ \t'"\\|&;()<>!{}*[\]?^$`]|^[~#]|(?<=[:=])~/g, String.raw`\$&`)
  return [
    value.replaceAll("'", String.raw`'\''`),
    value.replaceAll("'", `'"'"'`),
    value.replaceAll(/["\\$`]/g, String.raw`\$&`),
    ansi,
    numbered(ansi, (byte) => `\\${byte.toString(8)}`),
    numbered(ansi, (byte) => `\\x${byte.toString(16)}`),
    // What `printf %q` and traces write: the comma is escaped by some versions only.
    quoted,
    quoted.replaceAll(",", String.raw`\,`)
  ]
}

const numbered = (text: string, write: (byte: number) => string): string =>
  text.replaceAll(/[\u0080-\uffff]+/g, (letters) => Array.from(new TextEncoder().encode(letters), write).join(""))

const markupSpellings = (value: string): ReadonlyArray<string> => {
  const text = value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
  const attribute = text.replaceAll('"', "&quot;")
  return [text, attribute, attribute.replaceAll("'", "&#39;"), attribute.replaceAll("'", "&apos;")]
}

/** Besides letters, digits and `-._`: what the writers of URLs leave as it is. The last one is that of forms, with `+` for a blank. */
const kept = ["~", "~/", "~!'()*", "~!'()*;/?:@&=+$,#", "* "] as const

const percentSpellings = (bytes: Uint8Array, keep: string): ReadonlyArray<string> => {
  const text = Array.from(bytes, (byte) => {
    const letter = String.fromCharCode(byte)
    if (/[\w.-]/.test(letter) || (byte < 128 && keep.includes(letter))) return letter === " " ? "+" : letter
    return `%${byte.toString(16).toUpperCase().padStart(2, "0")}`
  }).join("")
  return [text, text.replaceAll(/%[\dA-F]{2}/g, (escape) => escape.toLowerCase())]
}
