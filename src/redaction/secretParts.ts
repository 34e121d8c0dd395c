import { Option, Schema } from "effect"
import { placeholder } from "./placeholder.ts"

/**
 * What of a secret value is looked for: the value itself, each line of it, and what stands for a secret inside of it, since
 * a program may print a key without its frame, or a password without the URL that it was given in.
 *
 * Empty for what stands in ordinary output by chance: values of fewer than six characters, numbers of fewer than eight
 * digits, one character repeated, and everyday words such as `production`. To search for those would make logs unreadable,
 * and would tell by its gaps what they are.
 */
export const secretParts = (value: string): ReadonlyArray<string> => {
  const whole = value.trim()
  const lines = whole.split(/\r\n|\r|\n/).map((line) => line.trim())
  const ofLines = lines.length === 1 ? [] : lines.filter((line) => line.length >= shortestLine && !frame.test(line))
  return [...new Set([whole, ...ofLines, ...ofUrl(whole), ...ofJson(whole)])].filter(isSearchable)
}

const shortest = 6
/** Lines of a file are more alike than passwords are. */
const shortestLine = 8
const shortestNumber = 8

/** What every key's text begins and ends with. */
const frame = /^-----(?:BEGIN|END) [A-Z0-9 ]+-----$/

const isSearchable = (text: string): boolean => {
  if (text.length < shortest || (/^\d+$/.test(text) && text.length < shortestNumber)) return false
  if (everyday.has(text.toLowerCase()) || placeholder.includes(text)) return false
  return new Set(text).size > 1
}

const everyday: ReadonlySet<string> = new Set([
  "administrator",
  "anonymous",
  "changeme",
  "default",
  "development",
  "disabled",
  "enabled",
  "example",
  "github",
  "gitlab",
  "localhost",
  "master",
  "nobody",
  "oauth2",
  "password",
  "postgres",
  "private",
  "production",
  "public",
  "registry",
  "release",
  "secret",
  "service",
  "staging",
  "testing",
  "username",
  "x-access-token"
])

const ofUrl = (text: string): ReadonlyArray<string> => {
  const [, password] = /^[a-z][a-z0-9+.-]*:\/\/[^/?#@:\s]*:([^/?#\s]+)@/i.exec(text) ?? []
  return password === undefined ? [] : [password, ...Option.toArray(unescaped(password))]
}

const unescaped = Option.liftThrowable(decodeURIComponent)

const parse = Schema.decodeUnknownOption(Schema.parseJson(Schema.Unknown))

const ofJson = (text: string): ReadonlyArray<string> =>
  /^[{[]/.test(text)
    ? Option.match(parse(text), { onNone: () => [], onSome: (value) => secretMembers(value, false, 0) })
    : []

/** A key file of a cloud names the project and the addresses of its service as well, which are in every log. */
const secretMember = /key|token|secret|pass|auth|credential/i
const bareAddress = /^https?:\/\/[^@]*$/i

const deepest = 16

const secretMembers = (value: unknown, named: boolean, depth: number): ReadonlyArray<string> => {
  if (typeof value === "string") return named && !bareAddress.test(value) ? secretParts(value) : []
  if (typeof value !== "object" || value === null || depth > deepest) return []
  if (Array.isArray(value)) return value.flatMap((member) => secretMembers(member, named, depth + 1))
  return Object.entries(value).flatMap(([key, member]) => secretMembers(member, secretMember.test(key), depth + 1))
}
