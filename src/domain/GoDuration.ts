import { Duration, Option } from "effect"

/**
 * Reads Go's spelling (`30m`, `1h30m`, `1.5h`, `500ms`, `0`), to the nanosecond.
 *
 * None for anything else, for negative durations, and for what Go's 64 bits of nanoseconds can't hold.
 */
export const parseGoDuration = (text: string): Option.Option<Duration.Duration> => {
  const unsigned = text.startsWith("+") ? text.slice(1) : text
  if (unsigned === "0") return Option.some(Duration.zero)
  // A number of nanoseconds below 2^63 never needs more digits, however it is spelled.
  if (unsigned.length > maximumLength || !whole.test(unsigned)) return Option.none()
  let total = 0n
  for (const [, digits = "", fraction = "", unit = ""] of unsigned.matchAll(part)) {
    if (digits === "" && fraction === "") return Option.none()
    total += nanosOf(digits, fraction, unit)
  }
  return total > maximumNanos ? Option.none() : Option.some(durationOfNanos(total))
}

/** Milliseconds where they are exact, so that equal durations also look equal. */
export const durationOfNanos = (nanos: bigint): Duration.Duration =>
  nanos % 1_000_000n === 0n ? Duration.millis(Number(nanos / 1_000_000n)) : Duration.nanos(nanos)

/** Nanoseconds of a finite duration; an infinite one counts as the longest that Go knows. */
export const nanosOfDuration = (duration: Duration.DurationInput): bigint =>
  Option.getOrElse(Duration.toNanos(duration), () => maximumNanos)

/** Rounded to seconds: `0s`, `5s`, `1m0s`, `1m30s`, `2h15m45s`. */
export const formatGoDuration = (duration: Duration.DurationInput): string => {
  const seconds = (nanosOfDuration(duration) + 500_000_000n) / 1_000_000_000n
  const hours = seconds / 3600n
  const minutes = (seconds / 60n) % 60n
  const rest = `${seconds % 60n}s`
  if (hours > 0n) return `${hours}h${minutes}m${rest}`
  return minutes > 0n ? `${minutes}m${rest}` : rest
}

const maximumLength = 128
const maximumNanos = 2n ** 63n - 1n

const whole = /^(?:[0-9]*(?:\.[0-9]*)?(?:ns|us|µs|μs|ms|s|m|h))+$/
const part = /([0-9]*)(?:\.([0-9]*))?(ns|us|µs|μs|ms|s|m|h)/g

const nanosOf = (digits: string, fraction: string, unit: string): bigint => {
  const { [unit]: size = 0n } = unitNanos
  // Below a nanosecond nothing is kept, as in Go.
  return BigInt(digits) * size + (BigInt(fraction) * size) / 10n ** BigInt(fraction.length)
}

const unitNanos: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n
}
