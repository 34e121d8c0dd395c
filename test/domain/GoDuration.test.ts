import { assert, describe, it } from "@effect/vitest"
import { Duration, FastCheck as fc, Option } from "effect"
import { durationOfNanos, formatGoDuration, nanosOfDuration, parseGoDuration } from "../../src/domain/GoDuration.ts"

const nanos = (text: string): bigint | undefined =>
  Option.getOrUndefined(Option.map(parseGoDuration(text), nanosOfDuration))

describe("parseGoDuration", () => {
  it.each([
    ["30m", 1_800_000_000_000n],
    ["1h30m", 5_400_000_000_000n],
    ["1.5h", 5_400_000_000_000n],
    ["500ms", 500_000_000n],
    ["0", 0n],
    ["0s", 0n],
    ["+5s", 5_000_000_000n],
    [".5s", 500_000_000n],
    ["1.s", 1_000_000_000n],
    ["2us", 2000n],
    ["2µs", 2000n],
    ["2μs", 2000n],
    ["7ns", 7n],
    ["1.9ns", 1n],
    ["1h1m1s1ms1us1ns", 3_661_001_001_001n],
    ["9223372036854775807ns", 9_223_372_036_854_775_807n]
  ])("reads %s as Go does", (text, expected) => {
    assert.strictEqual(nanos(text), expected)
  })

  it.each([
    "",
    "5",
    "m",
    ".m",
    ".",
    "-5s",
    "--5s",
    "5 m",
    "5m ",
    "5d",
    "1,5h",
    "1.5.5h",
    "1e3s",
    "0x5s",
    "９s",
    "9223372036854775808ns",
    `${"0".repeat(128)}1s`
  ])("refuses %j", (text) => {
    assert.isTrue(Option.isNone(parseGoDuration(text)))
  })

  it("makes equal durations look equal", () => {
    assert.deepStrictEqual(parseGoDuration("90s"), Option.some(Duration.millis(90_000)))
    assert.deepStrictEqual(parseGoDuration("1.5us"), Option.some(Duration.nanos(1500n)))
  })

  it("never throws, and reads back what formatGoDuration wrote", () => {
    fc.assert(fc.property(fc.string(), (text) => Option.isOption(parseGoDuration(text))))
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10_000_000 }), (seconds) => {
        const written = formatGoDuration(Duration.seconds(seconds))
        assert.strictEqual(nanos(written), BigInt(seconds) * 1_000_000_000n)
      })
    )
  })
})

describe("formatGoDuration", () => {
  it.each([
    ["0s", Duration.zero],
    ["0s", Duration.millis(499)],
    ["1s", Duration.millis(500)],
    ["5s", Duration.seconds(5)],
    ["1m0s", Duration.minutes(1)],
    ["1m0s", Duration.millis(59_600)],
    ["1m30s", Duration.seconds(90)],
    ["2m0s", Duration.minutes(2)],
    ["1h0m0s", Duration.hours(1)],
    ["2h15m45s", Duration.seconds(8145)],
    ["100h0m1s", Duration.seconds(360_001)]
  ])("writes %s", (expected, duration) => {
    assert.strictEqual(formatGoDuration(duration), expected)
  })

  it("has words for a duration without an end", () => {
    assert.strictEqual(formatGoDuration(Duration.infinity), "2562047h47m17s")
  })
})

it("durationOfNanos keeps every nanosecond", () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
      (value) => nanosOfDuration(durationOfNanos(value)) === value
    )
  )
})
