import { Either, ParseResult, Schema } from "effect"
import { Invalid } from "../http/ApiError.ts"

/**
 * Decodes what Nomad said. Fields that the schema doesn't name are ignored, so that a newer Nomad's answers decode.
 *
 * Members that are numbers of 16 digits and more reach the schema as strings: a double would round them.
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

// Nothing inside of a string looks like this, since its quotes are escaped there; nor does what stands between two strings,
// which is never a word.
const largeMember = /("[\w.-]+"\s*:\s*)(-?\d{16,})(?![\d.eE])/gu

const quoteLargeNumbers = (json: string): string => json.replaceAll(largeMember, '$1"$2"')
