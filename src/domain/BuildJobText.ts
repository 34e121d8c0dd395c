import { type ParseResult, Schema } from "effect"

/** Says what is wrong with a value, as a predicate: "must be …". Nothing where it is accepted. */
export type FaultOf<A> = (value: A) => string | undefined

interface TextOptions {
  readonly fault: FaultOf<string>
  /** What the JSON Schema can say of the rule; the decoder asks `fault`. */
  readonly jsonSchema?: object
}

/** A string of which every fault has words of its own. */
export const text = (options: TextOptions) =>
  Schema.String.annotations({ message: typeFault("a string") }).pipe(
    Schema.filter((value) => options.fault(value) ?? true, { jsonSchema: options.jsonSchema ?? {} })
  )

/** The keys of a map. `expected` completes "is no valid name; expected …". */
export const mapKey = (pattern: RegExp, expected: string) =>
  Schema.String.pipe(
    // `__proto__` matches most patterns, yet assigning it makes no key.
    Schema.filter((key) => key !== "__proto__" && pattern.test(key), {
      description: expected,
      jsonSchema: { pattern: pattern.source, not: { const: "__proto__" } }
    })
  )

export const map = <A>(key: ReturnType<typeof mapKey>, value: Schema.Schema<A, A>, maximum: number) =>
  Schema.Record({ key, value })
    .annotations({ message: typeFault("a map") })
    .pipe(
      Schema.filter((entries) => Object.keys(entries).length <= maximum || `must have at most ${maximum} entries`, {
        jsonSchema: { maxProperties: maximum }
      })
    )

export const list = <A, I>(item: Schema.Schema<A, I>, maximum: number) =>
  Schema.Array(item)
    .annotations({ message: typeFault("a list") })
    .pipe(
      Schema.filter((items) => items.length <= maximum || `must have at most ${maximum} entries`, {
        jsonSchema: { maxItems: maximum }
      })
    )

export const flag = Schema.Boolean.annotations({ message: typeFault("true or false") })

/** More for the reader of the JSON Schema. The decoder adds no default: `resolve` does, where it is needed. */
interface Notes<A> {
  /** Only what no setting of the service changes. */
  readonly default?: A
  readonly examples?: readonly [A, ...ReadonlyArray<A>]
}

/** A member that may be left out, with what it means for the reader of the JSON Schema. */
export const optional = <A, I>(schema: Schema.Schema<A, I>, description: string, notes: Notes<NoInfer<A>> = {}) =>
  Schema.optionalWith(schema, { exact: true }).annotations({ ...notes, description })

export const required = <A, I>(
  schema: Schema.Schema<A, I>,
  description: string,
  notes: Pick<Notes<NoInfer<A>>, "examples"> = {}
) => Schema.propertySignature(schema).annotations({ ...notes, description, missingMessage: () => "is required" })

/** For messages of `Schema.annotations`: the wrong type, with the mend for what YAML reads otherwise than meant. */
export function typeFault(expected: string): (issue: ParseResult.ParseIssue) => string {
  return ({ actual }) => {
    if (actual === null) return `must be ${expected}, not null`
    const unquoted = expected === "a string" && (typeof actual === "number" || typeof actual === "boolean")
    return unquoted ? "must be a string; put the value in quotes" : `must be ${expected}`
  }
}

/** Control, format, private and unassigned characters, lone surrogates, and every separator but the space. */
const unprintable = /[\p{C}\p{Zl}\p{Zp}]/u

/** One line that shows as what it is. Its length is in UTF-16 units. */
export const isPrintable = (value: string, maximum: number): boolean =>
  value.length <= maximum && !unprintable.test(value)

/** A text that a process can be given: any characters but NUL and broken ones. */
export const isProcessText = (value: string, maximum: number): boolean =>
  value.length <= maximum && !/[\0\p{Cs}]/u.test(value)
