import { Array as Arr, Effect, Either, Order, Predicate } from "effect"
import type { Fault } from "../../domain/BuildJobRules.ts"
import { recordFaults } from "../../domain/decodeRecord.ts"
import { type FieldError, fieldError } from "../../domain/FieldError.ts"
import { normaliseRecord } from "../../domain/normaliseRecord.ts"
import { parseRecordText, type SyntaxFault, syntaxFault } from "../../domain/parseRecordText.ts"
import { mergeLayers } from "../configuration/mergeLayers.ts"
import { type JsonObject, parsedConfiguration, type ParsedConfiguration } from "../configuration/parsedConfiguration.ts"
import { type Advice, adviceFor, spellingAdvice } from "./adviceFor.ts"
import { locator, type Part, type Place } from "./locate.ts"

/** A text that holds a record, or part of one, and what messages call it. */
export interface Source {
  readonly file: string
  readonly text: string
}

/** What is wrong, or could be better, at one place. */
export interface Finding {
  readonly file: string
  readonly line: number
  readonly column: number
  /** As in `FieldError`: empty for the record as a whole. */
  readonly path: string
  readonly message: string
}

export interface Judgement {
  readonly file: string
  /** Whether the service would accept it. */
  readonly valid: boolean
  readonly errors: ReadonlyArray<Finding>
  /** What is accepted, yet hardly meant. */
  readonly warnings: ReadonlyArray<Finding>
}

/**
 * All that the service would find wrong with a file's record, and more, each at its place. Never quotes a value.
 *
 * `common`: settings under the file's own, as `submit-job --global` has them.
 */
export const judge = Effect.fnUntraced(function* (own: Source, common?: Source): Effect.fn.Return<Judgement> {
  const sources = common === undefined ? [own] : [common, own]
  const read = yield* Effect.forEach(sources, (source) => Effect.either(readLayer(source, source === common)))
  const broken = read.flatMap((layer) => (Either.isLeft(layer) ? layer.left : []))
  if (broken.length > 0) return { file: own.file, valid: false, errors: broken, warnings: [] }
  const layers = read.flatMap((layer) => (Either.isRight(layer) ? [layer.right] : []))
  const found = common === undefined ? layers.map(alone) : [...layers.map(spelling), together(layers)]
  const errors = found.flatMap((findings) => findings.errors)
  const warnings = [...found.flatMap((findings) => findings.warnings), ...layers.flatMap(versionAdvice)]
  return {
    file: own.file,
    valid: errors.length === 0,
    errors: Arr.sort(errors, inTextOrder),
    warnings: Arr.sort(warnings, inTextOrder)
  }
})

/** As compilers write it, so that editors and CI systems find the place: `file:line:column: path: message`. */
export const showFinding = ({ column, file, line, message, path }: Finding, kind?: "warning"): string => {
  // The message can stand alone, so it begins with the path; here that is said already.
  const words = path !== "" && message.startsWith(`${path} `) ? message.slice(path.length + 1) : message
  return [`${file}:${line}:${column}`, kind, path, words]
    .filter((part) => Predicate.isString(part) && part !== "")
    .join(": ")
}

interface Layer extends ParsedConfiguration {
  readonly placeOf: ReturnType<typeof locator>
}

/** Fails with why the text is no configuration at all. */
const readLayer = (source: Source, mayBeEmpty: boolean): Effect.Effect<Layer, ReadonlyArray<Finding>> => {
  const { file, text } = source
  const placeOf = locator(text)
  if (mayBeEmpty && isBlank(text)) return Effect.succeed({ ...nothing(file), placeOf })
  return Either.match(parseRecordText(text), {
    onLeft: (error) => Effect.fail([unreadable(source, error)]),
    onRight: (value) => {
      if (value === null && mayBeEmpty) return Effect.succeed({ ...nothing(file), placeOf })
      return parsedConfiguration({ source: file, text }, Effect.succeed({})).pipe(
        Effect.map((parsed) => ({ ...parsed, placeOf })),
        Effect.mapError(({ message }) => {
          // Of a map nothing else is refused at this point.
          const path = Predicate.isRecord(value) ? "version" : ""
          const words = message.startsWith(`${file}: `) ? message.slice(file.length + 2) : message
          return [{ file, ...position(placeOf(path)), path, message: words }]
        })
      )
    }
  })
}

const nothing = (source: string): ParsedConfiguration => ({
  source,
  record: {},
  layer: {},
  faults: [],
  version: undefined
})

const isBlank = (text: string): boolean => text.split(/[\r\n]/).every((line) => /^\ufeff?\s*(?:#|$)/.test(line))

const unreadable = ({ file, text }: Source, { message, path }: FieldError): Finding => {
  const fault = syntaxFault(text)
  if (fault === undefined) return { file, ...position(locator(text)(path)), path, message }
  return {
    file,
    ...startOfNode(text, fault),
    path: "",
    message: `cannot be read as JSON or YAML: ${fault.reason}`
  }
}

/** The parser counts the mark that some editors start a file with, and points behind a key's quote or an alias's star. */
const startOfNode = (text: string, { place = start, reason }: SyntaxFault) => {
  const { column, line } = place
  const before = text.split(/\r\n|\n|\r/)[line - 1]?.charAt(column - 2) ?? ""
  const sign = /^(?:duplicated|unidentified)/.test(reason) && ["'", '"', "*"].includes(before) ? 1 : 0
  const mark = line === 1 && column > 1 && text.startsWith("\ufeff") ? 1 : 0
  return { line, column: column - sign - mark }
}

interface Findings {
  readonly errors: ReadonlyArray<Finding>
  readonly warnings: ReadonlyArray<Finding>
}

const alone = (layer: Layer): Findings => ({
  errors: recordFaults(layer.record).map(faultIn([layer])),
  warnings: [...spellingAdvice(layer.record), ...adviceFor(layer.record)].map(adviceIn([layer]))
})

/** What is wrong with one of two files, whatever the other one says. */
const spelling = (layer: Layer): Findings => {
  const { asGiven, faults } = normaliseRecord(layer.record)
  return {
    errors: faults.map(asGiven).map(faultIn([layer])),
    warnings: spellingAdvice(layer.record).map(adviceIn([layer]))
  }
}

const together = (layers: ReadonlyArray<Layer>): Findings => {
  const merged = layers.reduce<JsonObject>((below, { layer }) => mergeLayers(below, layer), {})
  // The file's own goes first: where it says something, that is what counts.
  const inOrder = layers.toReversed()
  return { errors: recordFaults(merged).map(faultIn(inOrder)), warnings: adviceFor(merged).map(adviceIn(inOrder)) }
}

const versionAdvice = (layer: Layer): ReadonlyArray<Finding> =>
  layer.version === undefined
    ? []
    : [finding([layer], "version", "version is for submit-job alone; a record in Consul must not have it", "key")]

const faultIn =
  (layers: ReadonlyArray<Layer>) =>
  ({ at, fault, path }: Fault): Finding => {
    const error = fieldError(path, fault)
    return finding(layers, error.path, error.message, at ?? "value")
  }

const adviceIn =
  (layers: ReadonlyArray<Layer>) =>
  ({ at, message, path }: Advice): Finding =>
    finding(layers, path, message, at)

/** In the first of the files that has the member; of one that is missing, where the first would have it. */
const finding = (layers: ReadonlyArray<Layer>, path: string, message: string, part: Part): Finding => {
  const found = layers.map(({ placeOf, source }) => ({ file: source, place: placeOf(path, part) }))
  const { file, place } = found.find((one) => one.place.exact) ?? found[0] ?? { file: "", place: start }
  return { file, ...position(place), path, message }
}

const inTextOrder = Order.combine(
  Order.mapInput(Order.number, ({ line }: Finding) => line),
  Order.mapInput(Order.number, ({ column }: Finding) => column)
)

const start = { line: 1, column: 1 }

const position = ({ column, line }: Pick<Place, "line" | "column">) => ({ line, column })
