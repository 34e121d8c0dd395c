import { Either, ParseResult, Schema } from "effect"
import { Invalid } from "../http/ApiError.ts"

/**
 * Decodes what Nomad said. Fields that the schema doesn't name are ignored, so that a newer Nomad's answers decode.
 *
 * Numbers of 16 digits and more reach the schema as strings: a double would round them.
 */
export const decodeAnswer = <A, I>(schema: Schema.Schema<A, I>): AnswerDecoder<A> => {
  const decode = Schema.decodeUnknownEither(Schema.parseJson(schema))
  return (operation, body) =>
    Either.mapLeft(
      decode(quoteLargeNumbers(utf8.decode(body))),
      (error) =>
        new Invalid({
          system: "nomad",
          operation,
          detail: `the answer cannot be understood: ${ParseResult.TreeFormatter.formatErrorSync(error).slice(0, 500)}`
        })
    )
}

/** Made once for each kind of answer: what it compiles is kept with it. */
export type AnswerDecoder<A> = (operation: string, body: Uint8Array) => Either.Either<A, Invalid>

const utf8 = new TextDecoder()

// The first alternative skips string literals, so that digits in a message stay as they are.
const literals = /"(?:[^"\\]|\\.)*"|(?<![\d.eE+-])-?\d{16,}(?![\d.eE])/gu

const quoteLargeNumbers = (json: string): string =>
  json.replaceAll(literals, (literal) => (literal.startsWith('"') ? literal : `"${literal}"`))
