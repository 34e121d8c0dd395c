import { Option, Predicate, Schema } from "effect"
import type { Fault } from "./BuildJobRules.ts"
import { timeoutOf } from "./BuildJobTimeout.ts"
import { nanosOfDuration } from "./GoDuration.ts"
import { legacyTestFields } from "./RecordFields.ts"

/** A record in the one spelling that the schema knows, wherever its types allow that much. */
export interface NormalisedRecord {
  readonly record: unknown
  readonly faults: ReadonlyArray<Fault>
  /** Moves a fault to the key that the record has it under. */
  readonly asGiven: (fault: Fault) => Fault
}

/** Takes off the wrapper, moves the earlier names to where they belong now, and reads `image_tags` in all its forms. */
export const normaliseRecord = (value: unknown): NormalisedRecord => {
  const { faults, record } = unwrap(value)
  if (!isObject(record)) return { record, faults, asGiven: (fault) => fault }
  const moved = moveLegacyFields(withoutEmptyMembers(record))
  return { ...moved, faults: [...faults, ...moved.faults] }
}

type JsonObject = Readonly<Record<string, unknown>>

interface Unwrapped {
  readonly record: unknown
  readonly faults: ReadonlyArray<Fault>
}

const wrappers = ["job_config", "jobConfig"]

/** Clients and tools send the same job as it is, as `job_config` and as `jobConfig`. */
const unwrap = (value: unknown): Unwrapped => {
  if (!isObject(value)) return { record: value, faults: [] }
  const [wrapper, second] = wrappers.filter((name) => Object.hasOwn(value, name))
  if (wrapper === undefined) return { record: value, faults: [] }
  const inner = value[wrapper]
  const faults = Object.keys(value).flatMap((key) => besideWrapper(key, { wrapper, second, inner }))
  if (!isObject(inner)) return { record: inner, faults }
  return { record: { ...inner, ...pick(value, controls) }, faults }
}

const controls = ["state", "labels", "on_conflict"]

const besideWrapper = (
  key: string,
  { inner, second, wrapper }: { readonly wrapper: string; readonly second: string | undefined; readonly inner: unknown }
): ReadonlyArray<Fault> => {
  if (key === wrapper) return []
  if (key === second) return [{ path: [key], fault: `is given besides ${wrapper}; keep one of them`, at: "key" }]
  if (!controls.includes(key))
    return [{ path: [key], fault: `stands beside ${wrapper}; move it into ${wrapper}`, at: "key" }]
  return isObject(inner) && Object.hasOwn(inner, key)
    ? [{ path: [key], fault: `is given both in ${wrapper} and beside it; keep one of them`, at: "key" }]
    : []
}

/** An empty text is how a configuration that is merged over another one takes a value back. */
const mayBeEmpty: ReadonlySet<string> = new Set([
  "dockerfile_context",
  "git_credentials_path",
  "registry_credentials_path",
  "webhook_url",
  "webhook_secret",
  "deploy_dir"
])

const withoutEmptyMembers = (record: JsonObject): JsonObject => {
  const { image_tags: tags, ...rest } = record
  const given = Object.entries(rest).filter(([key, value]) => value !== "" || !mayBeEmpty.has(key))
  // A list without entries is `null` to the clients in Go.
  if (tags === undefined || tags === null || tags === "") return Object.fromEntries(given)
  return Object.fromEntries([...given, ["image_tags", typeof tags === "string" ? tagList(tags) : tags]])
}

/** Tool calls bring a list as the text of a JSON array, and a list of one as its only tag. */
const tagList = (text: string): ReadonlyArray<unknown> => Option.getOrElse(decodeTagList(text), () => [text])

const decodeTagList = Schema.decodeOption(Schema.parseJson(Schema.Array(Schema.Unknown)))

const moveLegacyFields = (record: JsonObject): NormalisedRecord => {
  const given = legacyNames.filter((name) => Object.hasOwn(record, name))
  const rest = omit(record, legacyNames)
  const test = Object.hasOwn(rest, "test") ? rest["test"] : {}
  if (given.length === 0 || !isObject(test)) return { record: rest, faults: [], asGiven: (fault) => fault }
  const moved = given.filter((name) => !Object.hasOwn(test, legacyTestFields[name]))
  const differing = given.filter((name) => !moved.includes(name) && !isSame(record[name], test[legacyTestFields[name]]))
  const members = moved.map((name) => [legacyTestFields[name], record[name]] as const)
  return {
    record: { ...rest, test: { ...test, ...Object.fromEntries(members) } },
    faults: differing.map((name) => ({
      path: [name],
      fault: `and test.${legacyTestFields[name]} are both given and differ; keep test.${legacyTestFields[name]}`,
      at: "key"
    })),
    asGiven: (fault) => {
      const [first, second, ...deeper] = fault.path
      const name = moved.find((legacy) => first === "test" && second === legacyTestFields[legacy])
      return name === undefined ? fault : { ...fault, path: [name, ...deeper] }
    }
  }
}

const legacyNames = ["test_commands", "test_entry_point", "test_timeout"] as const

/** Two spellings of one duration are the same; anything else is compared as JSON. */
const isSame = (a: unknown, b: unknown): boolean => comparable(a) === comparable(b)

const comparable = (value: unknown): string => {
  const timeout = Predicate.isString(value) || Predicate.isNumber(value) ? timeoutOf(value) : Option.none()
  return Option.match(timeout, {
    onNone: () => JSON.stringify(value),
    onSome: (duration) => `${nanosOfDuration(duration)}ns`
  })
}

const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const pick = (value: JsonObject, keys: ReadonlyArray<string>): JsonObject =>
  Object.fromEntries(Object.entries(value).filter(([key]) => keys.includes(key)))

const omit = (value: JsonObject, keys: ReadonlyArray<string>): JsonObject =>
  Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key)))
