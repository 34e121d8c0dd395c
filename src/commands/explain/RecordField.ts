import { Option, Predicate } from "effect"
import { jobJsonSchema } from "../../domain/jsonSchema.ts"

export type JsonSchema = Readonly<Record<string, unknown>>

/** A field of a record, as its JSON Schema describes it. */
export interface RecordField {
  /** Dotted, without positions in lists. */
  readonly path: string
  /** In words: `list of string`. */
  readonly type: string
  readonly isRequired: boolean
  readonly description: string
  readonly default: Option.Option<unknown>
  readonly examples: ReadonlyArray<unknown>
  /** What is accepted, where it is one of a few. */
  readonly values: ReadonlyArray<unknown>
  /** What else the value has to keep to, a sentence each. */
  readonly limits: ReadonlyArray<string>
  readonly schema: JsonSchema
  readonly fields: ReadonlyArray<RecordField>
}

const isSchema = (value: unknown): value is JsonSchema => Predicate.isRecord(value) && !Array.isArray(value)

const schemaOf = (value: unknown): JsonSchema => (isSchema(value) ? value : {})

const wordsOf = (value: unknown): string => (Predicate.isString(value) ? value : "")

const listOf = (value: unknown): ReadonlyArray<unknown> => (Array.isArray(value) ? value : [])

const fieldsOf = (schema: JsonSchema, parent: string): ReadonlyArray<RecordField> => {
  const holder = schema["items"] === undefined ? schema : schemaOf(schema["items"])
  const required = listOf(holder["required"])
  return Object.entries(schemaOf(holder["properties"])).map(([name, member]) =>
    fieldOf(schemaOf(member), parent === "" ? name : `${parent}.${name}`, required.includes(name))
  )
}

const fieldOf = (schema: JsonSchema, path: string, isRequired: boolean): RecordField => ({
  path,
  type: typeOf(schema),
  isRequired,
  description: wordsOf(schema["description"]),
  default: "default" in schema ? Option.some(schema["default"]) : Option.none(),
  examples: [schema, ...listOf(schema["anyOf"]).map(schemaOf)].flatMap(({ examples }) => listOf(examples)),
  values: listOf(schema["enum"]),
  limits: limitsOf(schema),
  schema,
  fields: fieldsOf(schema, path)
})

const typeOf = (schema: JsonSchema): string => {
  const { anyOf, items, patternProperties, type } = schema
  if (anyOf !== undefined) return [...new Set(listOf(anyOf).map((member) => typeOf(schemaOf(member))))].join(" or ")
  if (items !== undefined) return `list of ${typeOf(schemaOf(items))}`
  const [values] = Object.values(schemaOf(patternProperties))
  return values === undefined ? wordsOf(type) : `map of ${typeOf(schemaOf(values))}`
}

const limitsOf = ({ maximum, maxItems, maxProperties, minimum, propertyNames }: JsonSchema): ReadonlyArray<string> => [
  ...(Predicate.isNumber(minimum) && Predicate.isNumber(maximum) ? [`From ${minimum} to ${maximum}.`] : []),
  ...[maxItems, maxProperties].filter(Predicate.isNumber).map((most) => `At most ${most} entries.`),
  ...[schemaOf(propertyNames)["description"]].filter(Predicate.isString).map((names) => `Each name is ${names}.`)
]

/** All of them, in the order in which faults are reported. */
export const recordFields: ReadonlyArray<RecordField> = fieldsOf({ ...jobJsonSchema }, "")

/** The fields and what is in them, from the top down. */
export const flattened = (fields: ReadonlyArray<RecordField>): ReadonlyArray<RecordField> =>
  fields.flatMap((field) => [field, ...flattened(field.fields)])
