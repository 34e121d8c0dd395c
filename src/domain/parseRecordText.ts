import { Either, Option, Schema } from "effect"
import { CORE_SCHEMA, load, mergeTag, YAMLException } from "js-yaml"
import { checkRecordShape } from "./checkRecordShape.ts"
import type { FieldError } from "./FieldError.ts"

/** What one value of Consul's KV can hold, in bytes. */
export const maximumRecordSize = 512 * 1024

/** JSON or YAML to plain values of bounded shape; a syntax error says where it is. */
export const parseRecordText = (text: string): Either.Either<unknown, FieldError> => {
  if (exceeds(text)) return tooLarge
  const json = Option.flatMap(parseJson(text), ({ value }) => withoutDuplicates(text, value))
  return Option.getOrElse(json, () => readYaml(text))
}

/** The same of JSON's text that was parsed before. */
export const checkRecordText = (text: string, value: unknown): Either.Either<unknown, FieldError> =>
  exceeds(text) ? tooLarge : Option.getOrElse(withoutDuplicates(text, value), () => readYaml(text))

const tooLarge = Either.left({ path: "", message: "the record is larger than 512 KiB" })

const readYaml = (text: string): Either.Either<unknown, FieldError> =>
  parseYaml(text).pipe(
    Either.mapLeft(syntaxError),
    Either.flatMap((value) => Either.map(checkRecordShape(value), () => value))
  )

/** Why a text is neither JSON nor YAML. */
export interface SyntaxFault {
  readonly reason: string
  /** From 1, in UTF-16 units. The parser doesn't say where a document is missing. */
  readonly place: { readonly line: number; readonly column: number } | undefined
}

/** What the parser has against the text; undefined where it can be read. */
export const syntaxFault = (text: string): SyntaxFault | undefined =>
  Either.match(parseYaml(text), { onLeft: (fault) => fault, onRight: () => undefined })

const syntaxError = ({ place, reason }: SyntaxFault): FieldError => {
  const where = place === undefined ? "" : `line ${place.line}, column ${place.column}: `
  return { path: "", message: `the record cannot be read as JSON or YAML: ${where}${reason}` }
}

/**
 * The parser's words and position, without the excerpt that it adds and without the tags and aliases that it quotes:
 * all of them could be a secret that stands without quotes.
 */
export const syntaxFaultOf = (error: unknown): SyntaxFault => {
  // Nothing else is thrown as far as is known, but a hostile record must never end the process.
  if (!(error instanceof YAMLException)) return { reason: "the parser failed", place: undefined }
  const { mark, reason } = error
  return {
    reason: reason.replace(quoted, ""),
    place: mark === undefined ? undefined : { line: mark.line + 1, column: mark.column + 1 }
  }
}

const quoted = / "[^]*"| (?:with )?!<[^]*>(?: explicit tag)?|: [^]*$/g

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

const parseYaml = (text: string): Either.Either<unknown, SyntaxFault> =>
  Either.try({
    try: (): unknown => load(text, options),
    catch: syntaxFaultOf
  })
