import { ParseResult, type Schema, SchemaAST } from "effect"
import { unsupportedTestFields } from "./BuildJobTest.ts"
import type { Fault } from "./BuildJobRules.ts"
import type { FieldPath } from "./FieldError.ts"
import { suggestField } from "./suggestField.ts"

/** What `schema` found wrong, each fault once and in the schema's own words; keys it doesn't know with what they may mean. */
export const schemaFaults = <A, I>(
  schema: Schema.Schema<A, I>
): ((error: ParseResult.ParseError) => ReadonlyArray<Fault>) => {
  const fields = catalogue(schema.ast)
  return (error) =>
    ParseResult.ArrayFormatter.formatErrorSync(error).map((issue, position) => {
      const path = issue.path.map((segment) => (typeof segment === "number" ? segment : String(segment)))
      if (issue._tag !== "Unexpected") return { path, fault: issue.message }
      return { path, fault: unknownKey(path, fields, position), at: "key" }
    })
}

/** A search for what was meant is done for as many faults as anybody reads. */
const maximumSuggestions = 200

interface Catalogue {
  /** Dotted paths of all fields, without the positions in lists. */
  readonly fields: ReadonlyArray<string>
  /** What is accepted as a key, by the path of the map. */
  readonly maps: ReadonlyMap<string, string>
}

const catalogue = (ast: SchemaAST.AST): Catalogue => {
  const fields: Array<string> = []
  const maps = new Map<string, string>()
  const visit = (node: SchemaAST.AST, path: string): void => {
    if (SchemaAST.isRefinement(node)) visit(node.from, path)
    if (SchemaAST.isTupleType(node)) node.rest.forEach(({ type }) => visit(type, path))
    if (!SchemaAST.isTypeLiteral(node)) return
    node.indexSignatures.forEach(({ parameter }) => maps.set(path, String(parameter)))
    node.propertySignatures.forEach(({ name, type }) => {
      const field = path === "" ? String(name) : `${path}.${String(name)}`
      fields.push(field)
      visit(type, field)
    })
  }
  visit(ast, "")
  return { fields, maps }
}

const unknownKey = (path: FieldPath, { fields, maps }: Catalogue, position: number): string => {
  const names = path.filter((segment) => typeof segment === "string")
  const parent = names.slice(0, -1).join(".")
  const key = names.slice(-1).join("")
  const expected = maps.get(parent)
  if (expected !== undefined) return `is no valid name; expected ${expected}`
  if (unsupportedTestFields.includes(key)) return "is not supported yet; test with commands or entry_point"
  const suggestion = position < maximumSuggestions ? suggestField(key, parent, fields) : undefined
  return suggestion === undefined ? "is not a known field" : `is not a known field; did you mean ${suggestion}?`
}
