import { ParseResult, Schema } from "effect"

/**
 * The same schema for writing: an object that was encoded before is not walked again, since nothing changes one. For parts
 * that one version of a value hands on to the next as they are.
 */
export const encodedOnce = <A extends object, I>(schema: Schema.Schema<A, I>): Schema.Schema<A, I> => {
  const known = new WeakMap<A, I>()
  const encode = ParseResult.encode(schema)
  return Schema.transformOrFail(trusted<I>(), trusted<A>(), {
    strict: true,
    decode: (value) => ParseResult.decode(schema)(value),
    encode: (value) => {
      const found = known.get(value)
      if (found !== undefined) return ParseResult.succeed(found)
      return ParseResult.map(encode(value), (encoded) => {
        known.set(value, encoded)
        return encoded
      })
    }
  })
}

/** What the schema inside looks at itself. */
const trusted = <A>() => Schema.declare((_value: unknown): _value is A => true)
