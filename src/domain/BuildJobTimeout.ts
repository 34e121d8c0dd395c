import { Duration, Either, Option, ParseResult, Schema } from "effect"
import { durationOfNanos, nanosOfDuration, parseGoDuration } from "./GoDuration.ts"

/** Above this, nanoseconds would soon be more than a JSON number can hold exactly. */
const maximum = Duration.hours(168)

const fault = "must be a duration above 0 and at most 168h, such as 30m or 1h30m, or a whole number of nanoseconds"

/** Go's two spellings of a duration, as the service's clients have always sent them; one of them going out. */
export const Timeout = Schema.transformOrFail(
  Schema.Union(
    Schema.String.annotations({
      jsonSchema: {
        type: "string",
        pattern: "^[+]?([0-9]*[.]?[0-9]*(ns|us|µs|μs|ms|s|m|h))+$",
        examples: ["30m", "1h30m"]
      }
    }),
    Schema.Number.annotations({
      jsonSchema: { type: "integer", minimum: 1, maximum: Number(nanosOfDuration(maximum)) }
    })
  ).annotations({ message: () => ({ message: fault, override: true }) }),
  Schema.DurationFromSelf,
  {
    strict: true,
    decode: (input, _, ast) => Either.fromOption(timeoutOf(input), () => new ParseResult.Type(ast, input, fault)),
    encode: (duration) => ParseResult.succeed(Number(nanosOfDuration(duration)))
  }
)

/** None for what is no acceptable timeout. */
export const timeoutOf = (input: string | number): Option.Option<Duration.Duration> =>
  parse(input).pipe(
    Option.filter(
      (duration) => Duration.greaterThan(duration, Duration.zero) && Duration.lessThanOrEqualTo(duration, maximum)
    )
  )

const parse = (input: string | number): Option.Option<Duration.Duration> => {
  if (typeof input === "string") return parseGoDuration(input)
  return Number.isSafeInteger(input) && input > 0 ? Option.some(durationOfNanos(BigInt(input))) : Option.none()
}
