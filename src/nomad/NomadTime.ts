import { Option, Schema } from "effect"

/**
 * Milliseconds since the epoch, from Nomad's nanoseconds.
 *
 * A double holds them to 256 ns only, which moves some over a millisecond's border: `decodeAnswer` hands large numbers
 * over as the digits that were sent. A time that is left out, null or negative is 0.
 */
export const Nanoseconds = Schema.optionalWith(
  Schema.transform(Schema.Union(Schema.String, Schema.Number), Schema.Number, {
    strict: true,
    decode: (nanos) => (typeof nanos === "number" ? Math.max(0, Math.floor(nanos / 1e6)) : millisOfDigits(nanos)),
    encode: (millis) => `${String(millis)}000000`
  }),
  { nullable: true, default: () => 0 }
)

/** Milliseconds since the epoch, from RFC 3339; none for null and for Go's zero time, the year 1. */
export const Timestamp = Schema.optionalWith(
  Schema.transform(Schema.String, Schema.OptionFromSelf(Schema.Number), {
    strict: true,
    decode: (text) => Option.filter(Option.some(Date.parse(text)), (millis) => millis > 0),
    encode: (millis) => (Option.isNone(millis) ? "" : new Date(millis.value).toISOString())
  }),
  { nullable: true, default: () => Option.none() }
)

// -1 and NaN are as good as no time, and no digits are as good as 0.
const millisOfDigits = (digits: string): number => Math.max(0, Number(digits.slice(0, -6)) || 0)
