import { isObject } from "../machine/GoJson.ts"
import { TemplateFault } from "./TemplateFault.ts"

/** What a template is rendered with. */
export interface TemplateWorld {
  /** The answer of Vault for a path, `undefined` when there is none yet. */
  readonly secret: (path: string) => unknown
  readonly env: (name: string) => string | undefined
  /** A field that isn't there is an error rather than `<no value>`. */
  readonly errMissingKey: boolean
}

type TemplateFunction = (args: ReadonlyArray<unknown>, world: TemplateWorld) => unknown

/** `undefined` is Go's missing value: it prints as `<no value>` and is false. */
export const templateFunctions: ReadonlyMap<string, TemplateFunction> = new Map<string, TemplateFunction>([
  ["secret", (args, world) => world.secret(text(args[0], "secret"))],
  ["env", (args, world) => world.env(text(args[0], "env")) ?? ""],
  ["toJSON", (args) => goJson(args[0])],
  ["base64Encode", (args) => Buffer.from(text(args[0], "base64Encode")).toString("base64")],
  ["base64Decode", (args) => Buffer.from(text(args[0], "base64Decode"), "base64").toString("utf8")],
  ["trimSpace", (args) => text(args[0], "trimSpace").trim()],
  ["toLower", (args) => text(args[0], "toLower").toLowerCase()],
  ["toUpper", (args) => text(args[0], "toUpper").toUpperCase()],
  ["print", (args) => args.map(shown).join("")],
  ["printf", ([format, ...args]) => formatted(text(format, "printf"), args)],
  ["index", ([from, ...keys], world) => keys.reduce((value: unknown, key) => element(value, key, world), from)],
  ["eq", ([first, ...others]) => others.some((other) => other === first)],
  ["ne", ([first, second]) => first !== second],
  ["not", ([value]) => !isTrue(value)],
  ["and", (args) => args.find((value) => !isTrue(value)) ?? args.at(-1)],
  ["or", (args) => args.find(isTrue) ?? args.at(-1)],
  ["len", ([value]) => (typeof value === "string" ? Buffer.byteLength(value) : Object.keys(objectOf(value)).length)]
])

/** A field of a value, by the rules of Go's maps. */
export const element = (value: unknown, key: unknown, world: TemplateWorld): unknown => {
  if (Array.isArray(value)) {
    const item: unknown = typeof key === "number" ? value[key] : undefined
    if (item === undefined) throw new TemplateFault(`error calling index: index out of range: ${String(key)}`)
    return item
  }
  const name = String(key)
  if (isObject(value) && Object.hasOwn(value, name)) return value[name]
  if (value === undefined || value === null)
    throw new TemplateFault(`nil data; no entry for key ${JSON.stringify(name)}`)
  if (world.errMissingKey) throw new TemplateFault(`map has no entry for key ${JSON.stringify(name)}`)
  return undefined
}

/** Empty values are false. */
export const isTrue = (value: unknown): boolean => {
  if (value === undefined || value === null || value === false || value === 0 || value === "") return false
  return typeof value !== "object" || Object.keys(value).length > 0
}

/** A value as Go's fmt prints it. */
export const shown = (value: unknown): string => {
  if (value === undefined || value === null) return "<no value>"
  if (Array.isArray(value)) return `[${value.map(shown).join(" ")}]`
  if (typeof value === "string") return value
  if (!isObject(value)) return JSON.stringify(value)
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `map[${entries.map(([key, item]) => `${key}:${shown(item)}`).join(" ")}]`
}

const text = (value: unknown, name: string): string => {
  if (typeof value === "string") return value
  throw new TemplateFault(`error calling ${name}: wrong type for value; expected string; got ${typeof value}`)
}

const objectOf = (value: unknown): object => (typeof value === "object" && value !== null ? value : {})

/** As Go's encoding/json: keys in order, and what could end a script escaped. */
const goJson = (value: unknown): string =>
  JSON.stringify(sorted(value) ?? null).replaceAll(
    /[<>&\u2028\u2029]/g,
    (sign) => `\\u${(sign.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`
  )

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted)
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)])
  )
}

const formatted = (format: string, args: ReadonlyArray<unknown>): string => {
  const left = [...args]
  return format.replaceAll(/%(.)/g, (whole, verb: string) => {
    if (verb === "%") return "%"
    if (left.length === 0) return `%!${verb}(MISSING)`
    const value = left.shift()
    if (verb === "q") return JSON.stringify(shown(value))
    if (["s", "d", "v"].includes(verb)) return shown(value)
    throw new TemplateFault(`printf verb ${whole} is not implemented by this server`)
  })
}
