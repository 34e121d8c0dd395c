import { Either, Option, Schema } from "effect"
import { CORE_SCHEMA, load, mergeTag, YAMLException } from "js-yaml"
import { checkRecordShape } from "./checkRecordShape.ts"
import type { FieldError } from "./FieldError.ts"

/** What one value of Consul's KV can hold, in bytes. */
export const maximumRecordSize = 512 * 1024

/** JSON or YAML to plain values of bounded shape; a syntax error says where it is. */
export const parseRecordText = (text: string): Either.Either<unknown, FieldError> => {
  if (exceeds(text)) return Either.left({ path: "", message: "the record is larger than 512 KiB" })
  const json = Option.flatMap(parseJson(text), ({ value }) => withoutDuplicates(text, value))
  if (Option.isSome(json)) return json.value
  return Either.flatMap(parseYaml(text), (value) => Either.map(checkRecordShape(value), () => value))
}

/** The parser's words and position, without the excerpt that it adds: the excerpt could hold a secret. */
export const syntaxError = (error: unknown): FieldError => ({
  path: "",
  message: `the record cannot be read as JSON or YAML: ${reasonOf(error)}`
})

/** The parser quotes tags and aliases in full, and either can be as long as the record. */
const maximumReasonLength = 200

const reasonOf = (error: unknown): string => {
  // Nothing else is thrown as far as is known, but a hostile record must never end the process.
  if (!(error instanceof YAMLException)) return "the parser failed"
  const { mark } = error
  const reason = error.reason.slice(0, maximumReasonLength)
  return mark === undefined ? reason : `line ${mark.line + 1}, column ${mark.column + 1}: ${reason}`
}

const exceeds = (text: string): boolean =>
  text.length > maximumRecordSize ||
  (text.length * 3 > maximumRecordSize && new TextEncoder().encode(text).length > maximumRecordSize)

/** A hundred times faster than YAML for what most clients write. None for text that is no JSON. */
const parseJson = (text: string): Option.Option<{ readonly value: unknown }> =>
  Option.map(decodeJson(text), (value) => ({ value }))

const decodeJson = Schema.decodeOption(Schema.parseJson())

/**
 * None where a key is given twice: JSON's parser keeps the last one, YAML's says where it is.
 *
 * Outside strings a colon of valid JSON stands for one member, so the colons are counted against the members kept.
 */
const withoutDuplicates = (text: string, value: unknown): Option.Option<Either.Either<unknown, FieldError>> => {
  const shape = checkRecordShape(value)
  if (Either.isLeft(shape)) return Option.some(Either.left(shape.left))
  const colons = text.replaceAll(/"(?:[^"\\]|\\.)*"/g, "").split(":").length - 1
  return colons === shape.right.members ? Option.some(Either.right(value)) : Option.none()
}

/** Merge keys are in use among hand-written files; anchors enough for those, and none for an alias bomb. */
const options = {
  schema: CORE_SCHEMA.withTags(mergeTag),
  maxDepth: 32,
  maxAliases: 64,
  maxTotalMergeKeys: 1000
}

const parseYaml = (text: string): Either.Either<unknown, FieldError> =>
  Either.try({
    try: (): unknown => load(text, options),
    catch: syntaxError
  })
