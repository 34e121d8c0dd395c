import { Effect, ParseResult, Schema } from "effect"
import { Invalid } from "../http/ApiError.ts"

/**
 * Decodes what Nomad said. Fields that the schema doesn't name are ignored, so that a newer Nomad's answers decode.
 *
 * Numbers of 16 digits and more reach the schema as strings: a double would round them.
 */
export const decodeAnswer = <A, I>(schema: Schema.Schema<A, I>, operation: string) => {
  const decode = Schema.decode(Schema.parseJson(schema))
  return (body: Uint8Array): Effect.Effect<A, Invalid> =>
    decode(quoteLargeNumbers(utf8.decode(body))).pipe(
      Effect.mapError(
        (error) =>
          new Invalid({
            system: "nomad",
            operation,
            detail: `the answer cannot be understood: ${ParseResult.TreeFormatter.formatErrorSync(error).slice(0, 500)}`
          })
      )
    )
}

const utf8 = new TextDecoder()

// The first alternative skips string literals, so that digits in a message stay as they are.
const literals = /"(?:[^"\\]|\\.)*"|(?<![\d.eE+-])-?\d{16,}(?![\d.eE])/gu

const quoteLargeNumbers = (json: string): string =>
  json.replaceAll(literals, (literal) => (literal.startsWith('"') ? literal : `"${literal}"`))
