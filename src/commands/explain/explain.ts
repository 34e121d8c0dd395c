import { Effect, Option } from "effect"
import { dump } from "js-yaml"
import { jobJsonSchema, recordJsonSchema } from "../../domain/jsonSchema.ts"
import type { CommandError } from "../CommandError.ts"
import { wrapped } from "../help/wrapped.ts"
import { Io } from "../Io.ts"
import { findField } from "./findField.ts"
import { type RecordField, recordFields } from "./RecordField.ts"

export interface ExplainOptions {
  /** All of the record when left out. */
  readonly field?: string
  readonly recursive?: boolean
  readonly output?: "json"
}

/** What a field means, takes, and is when it is left out: from the schema that the service decodes with. */
export const explain = Effect.fn("explain")(function* (
  options: ExplainOptions
): Effect.fn.Return<void, CommandError, Io> {
  const { out } = yield* Io
  const field = options.field === undefined ? undefined : yield* findField(options.field)
  if (options.output === "json") return yield* out(schemaText(field))
  const width = yield* widthOf
  const fields = field === undefined ? recordFields : field.fields
  const lines = [
    ...(field === undefined ? ofRecord(width) : ofField(field, width)),
    ...(fields.length === 0 ? [] : ["", "FIELDS:"]),
    ...(options.recursive === true ? tree(fields, 1) : listed(fields, width))
  ]
  yield* out(`${lines.join("\n")}\n`)
})

const schemaText = (field: RecordField | undefined): string => {
  const schema =
    field === undefined ? recordJsonSchema : { $schema: jobJsonSchema.$schema, title: field.path, ...field.schema }
  return `${JSON.stringify(schema, null, 2)}\n`
}

const widthOf = Effect.gen(function* () {
  const { environment, screen } = yield* Io
  if (Option.isSome(screen)) return bounded((yield* screen.value.size).columns)
  const columns = environment["COLUMNS"] ?? ""
  return /^[0-9]{1,4}$/.test(columns) ? bounded(Number(columns)) : usualWidth
})

const usualWidth = 80

/** Longer lines are hard to read, and shorter ones hold no word. */
const bounded = (columns: number): number => Math.min(Math.max(columns, 30), 110)

const ofRecord = (width: number): ReadonlyArray<string> => [
  "RECORD:   BuildJob <object>",
  "",
  ...paragraph(
    "What image somebody wants, of which repository, tested how, and published where. In YAML or JSON, as it is or under job_config.",
    width
  )
]

const ofField = (field: RecordField, width: number): ReadonlyArray<string> => [
  `FIELD:    ${titleOf(field)}`,
  ...Option.match(field.default, {
    onNone: () => [],
    onSome: (value) => named("DEFAULT", yamlOf(value), width)
  }),
  ...(field.values.length === 0 ? [] : named("VALUES", field.values.join(", "), width)),
  ...field.examples.flatMap((example) => named("EXAMPLE", yamlOf(example), width)),
  "",
  ...paragraph([field.description, ...field.limits].join(" "), width)
]

const named = (name: string, text: string, width: number): ReadonlyArray<string> =>
  wrapped(text, { first: `${name}:`.padEnd(10), indent: 10, width })

const paragraph = (text: string, width: number): ReadonlyArray<string> => [
  "DESCRIPTION:",
  ...wrapped(text, { first: "  ", indent: 2, width })
]

const listed = (fields: ReadonlyArray<RecordField>, width: number): ReadonlyArray<string> =>
  fields.flatMap((field, index) => [
    ...(index === 0 ? [] : [""]),
    `  ${titleOf(field, nameOf(field))}`,
    ...wrapped(field.description, { first: "    ", indent: 4, width })
  ])

const tree = (fields: ReadonlyArray<RecordField>, depth: number): ReadonlyArray<string> =>
  fields.flatMap((field) => [`${"  ".repeat(depth)}${titleOf(field, nameOf(field))}`, ...tree(field.fields, depth + 1)])

const titleOf = ({ isRequired, path, type }: RecordField, name = path): string =>
  `${name} <${type}>${isRequired ? " -required-" : ""}`

const nameOf = ({ path }: RecordField): string => path.slice(path.lastIndexOf(".") + 1)

/** On one line, as it can be copied into a file. */
const yamlOf = (value: unknown): string => dump(value, { flowLevel: 0, lineWidth: -1 }).trim()
