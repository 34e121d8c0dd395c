import { parseGoDuration } from "../http/goDuration.ts"

/** A body that Go's decoder refuses, in its words. */
export class DecodeError extends Error {}

/** Parses as Go does. Throws DecodeError. */
export const decodeJson = (bytes: Buffer): unknown => {
  const text = bytes.toString("utf8")
  if (text.trim() === "") throw new DecodeError("EOF")
  try {
    // Flags are unsigned 64-bit numbers, which a double would round.
    return JSON.parse(text.replaceAll(/(?<!\\)"Flags"\s*:\s*(\d{16,20})/gi, '"Flags":"$1"'))
  } catch (error) {
    const position = error instanceof Error ? /at position (\d+)/.exec(error.message) : null
    const at = position === null ? text.length : Number(position[1])
    if (at >= text.trimEnd().length || /Unterminated/.test(String(error))) throw new DecodeError("unexpected EOF")
    throw new DecodeError(`invalid character '${text.charAt(at)}' looking for beginning of value`)
  }
}

/** Reads an object's fields as Go fills a struct: names in any case, `null` and absent as the zero value. */
export class GoObject {
  private readonly fields = new Map<string, readonly [name: string, value: unknown]>()
  private readonly path: string

  /** `path` names the struct in errors, as Go's decoder would. */
  constructor(value: unknown, path: string, goType: string) {
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw new DecodeError(`json: cannot unmarshal ${kindOf(value)} into Go value of type ${goType}`)
    for (const [name, field] of Object.entries(value)) this.fields.set(name.toLowerCase(), [name, field])
    this.path = path
  }

  has(name: string): boolean {
    return this.value(name) !== undefined
  }

  /** Whether the field is there, be it as `null`. */
  isPresent(name: string): boolean {
    return this.fields.has(name.toLowerCase())
  }

  string(name: string): string {
    const value = this.value(name)
    if (value === undefined) return ""
    return typeof value === "string" ? value : this.wrong(name, value, "string")
  }

  boolean(name: string): boolean {
    const value = this.value(name)
    if (value === undefined) return false
    return typeof value === "boolean" ? value : this.wrong(name, value, "bool")
  }

  integer(name: string, goType = "int"): number {
    const value = this.value(name)
    if (value === undefined) return 0
    return typeof value === "number" && Number.isInteger(value) ? value : this.wrong(name, value, goType)
  }

  /** An unsigned 64-bit number in decimal. */
  flags(name: string): string {
    const value = this.value(name)
    if (typeof value === "string" && /^\d+$/.test(value)) return value
    return String(this.integer(name, "uint64"))
  }

  /** In ms; a number is nanoseconds, as Go's Duration. */
  duration(name: string): number {
    const value = this.value(name)
    if (value === undefined) return 0
    if (typeof value === "number") return value / 1e6
    const parsed = parseGoDuration(this.string(name))
    if (parsed._tag === "Refused") throw new DecodeError(parsed.why)
    return parsed.ms
  }

  /** `undefined`: absent or `null`. */
  strings(name: string): ReadonlyArray<string> | undefined {
    return this.list(name)?.map((item) => (typeof item === "string" ? item : this.wrong(name, item, "string")))
  }

  objects(name: string): ReadonlyArray<GoObject> | undefined {
    return this.list(name)?.map((item) => new GoObject(item, `${this.path}.${name}`, name))
  }

  object(name: string): GoObject | undefined {
    const value = this.value(name)
    return value === undefined ? undefined : new GoObject(value, `${this.path}.${name}`, name)
  }

  /** The fields' names as they were written. */
  names(): ReadonlyArray<string> {
    return [...this.fields.values()].map(([name]) => name)
  }

  refuseUnknown(known: ReadonlyArray<string>): void {
    const wanted = new Set(known.map((name) => name.toLowerCase()))
    for (const [lower, [name]] of this.fields)
      if (!wanted.has(lower)) throw new DecodeError(`json: unknown field ${JSON.stringify(name)}`)
  }

  /** `undefined` for what Go would leave at its zero value. */
  value(name: string): unknown {
    return this.fields.get(name.toLowerCase())?.[1] ?? undefined
  }

  private list(name: string): ReadonlyArray<unknown> | undefined {
    const value = this.value(name)
    if (value === undefined) return undefined
    return Array.isArray(value) ? value : this.wrong(name, value, "[]string")
  }

  private wrong(name: string, value: unknown, goType: string): never {
    throw new DecodeError(
      `json: cannot unmarshal ${kindOf(value)} into Go struct field ${this.path}.${name} of type ${goType}`
    )
  }
}

/** Writes JSON as Go does: `<`, `>` and `&` escaped; bigint as a number; four spaces and a newline when pretty. */
export const encodeJson = (value: unknown, pretty: boolean): string => {
  const bigints: Array<string> = []
  const text = JSON.stringify(
    value,
    (_, item: unknown) => {
      if (typeof item !== "bigint") return item
      if (item <= Number.MAX_SAFE_INTEGER) return Number(item)
      bigints.push(item.toString())
      return bigintMark
    },
    pretty ? 4 : undefined
  )
  const exact = bigints.length === 0 ? text : text.replaceAll(JSON.stringify(bigintMark), () => bigints.shift() ?? "0")
  return escapeHtml(exact) + (pretty ? "\n" : "")
}

/** Only inside strings can these occur in JSON. */
export const escapeHtml = (json: string): string =>
  /[<>&\u2028\u2029]/.test(json)
    ? json.replaceAll(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`)
    : json

/** Stands for a number that a double can't hold; values are base64 and never look like it. */
const bigintMark = "\u0000bigint\u0000"

const kindOf = (value: unknown): string => {
  if (Array.isArray(value)) return "array"
  if (typeof value === "boolean") return "bool"
  return value === null ? "null" : typeof value
}
