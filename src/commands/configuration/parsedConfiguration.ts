import { Effect, Either, Predicate } from "effect"
import type { Fault } from "../../domain/BuildJobRules.ts"
import { fieldError } from "../../domain/FieldError.ts"
import { normaliseRecord } from "../../domain/normaliseRecord.ts"
import { parseRecordText } from "../../domain/parseRecordText.ts"
import { legacyTestFields } from "../../domain/RecordFields.ts"
import { type CommandError, usageError } from "../CommandError.ts"
import type { ConfigurationText } from "./configurationText.ts"

export type JsonObject = Readonly<Record<string, unknown>>

/** One file's part of a configuration. */
export interface ParsedConfiguration {
  readonly source: string
  /** As it was given, but for what the service doesn't know. */
  readonly record: JsonObject
  /** In the one spelling that can be merged; an empty value stays, since it takes back what stands below it. */
  readonly layer: JsonObject
  /** What is wrong with the spelling, in the names that the file has. */
  readonly faults: ReadonlyArray<string>
  /** `version`, which only the command line knows. */
  readonly version: boolean | undefined
}

/** Reads one configuration. `empty` is what it means that there is nothing in it. */
export const parsedConfiguration = Effect.fnUntraced(function* (
  { source, text }: ConfigurationText,
  empty: Effect.Effect<JsonObject, CommandError>
): Effect.fn.Return<ParsedConfiguration, CommandError> {
  const value = saysNothing(text) ? null : yield* parsed(source, text)
  const given = value === null || value === undefined ? yield* empty : value
  if (!isObject(given)) return yield* usageError(`${source}: a configuration is a map of names and values`)
  const version = yield* versionOf(source, given)
  const record = withoutVersion(given)
  const { asGiven, faults, record: normalised } = normaliseRecord(record)
  // A wrapper around something else than a map is the decoder's to explain.
  const layer = isObject(normalised) ? { ...normalised, ...emptied(opened(record), normalised) } : record
  return {
    source,
    record,
    layer,
    version,
    faults: faults.map((fault) => message(asGiven(fault)))
  }
})

export const isObject = (value: unknown): value is JsonObject => Predicate.isRecord(value)

/** Comments at most, of which the parser would say that a document is missing. */
const saysNothing = (text: string): boolean => text.split("\n").every((line) => /^\s*(?:#|$)/.test(line))

const parsed = (source: string, text: string): Effect.Effect<unknown, CommandError> =>
  Either.match(parseRecordText(text), {
    onLeft: (error) => Effect.fail(usageError(`${source}: ${error.message}`)),
    onRight: Effect.succeed
  })

const message = ({ fault, path }: Fault): string => fieldError(path, fault).message

const wrappers = ["job_config", "jobConfig"]

const opened = (record: JsonObject): JsonObject => {
  const inner = wrappers.map((name) => record[name]).find(isObject)
  return inner ?? record
}

const versionOf = Effect.fnUntraced(function* (source: string, record: JsonObject) {
  const given = [record, opened(record)].flatMap((object) =>
    Object.hasOwn(object, "version") ? [object["version"]] : []
  )
  const [version] = given
  if (version === undefined || typeof version === "boolean") return version
  return yield* usageError(
    `${source}: version must be true or false: whether the image gets the next version as a tag; its number stands in version.yaml`
  )
})

const withoutVersion = (record: JsonObject): JsonObject =>
  Object.fromEntries(
    Object.entries(record)
      .filter(([key]) => key !== "version")
      .map(([key, value]) => [key, wrappers.includes(key) && isObject(value) ? withoutVersion(value) : value])
  )

/** What `normaliseRecord` leaves out since it says nothing by itself. */
const emptied = (given: JsonObject, normalised: JsonObject): JsonObject =>
  Object.fromEntries(
    Object.entries(given)
      .filter(([key, value]) => isEmpty(key, value) && !Object.hasOwn(normalised, key) && !isLegacy(key))
      .map(([key, value]) => [key, key === "image_tags" ? [] : value])
  )

const isEmpty = (key: string, value: unknown): boolean => value === "" || (key === "image_tags" && value === null)

/** It stands in `test` by now. */
const isLegacy = (key: string): boolean => Object.hasOwn(legacyTestFields, key)
