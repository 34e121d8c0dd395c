import { assert, it } from "@effect/vitest"
import { formatGoDuration, parseGoDuration } from "../../../src/embedded/http/goDuration.ts"

const parsed = (text: string) => {
  const duration = parseGoDuration(text)
  return duration._tag === "Duration" ? duration.ms : duration.why
}

it("reads what Go reads, in milliseconds", () => {
  assert.deepStrictEqual(
    ["10s", "1h15m", "1.5s", "250ms", "0", "-2m", ".5s"].map(parsed),
    [10_000, 4_500_000, 1500, 250, 0, -120_000, 500]
  )
})

it("refuses what Go refuses, in its words", () => {
  assert.deepStrictEqual(["abc", "10", "5x", ""].map(parsed), [
    'time: invalid duration "abc"',
    'time: missing unit in duration "10"',
    'time: unknown unit "x" in duration "5x"',
    'time: invalid duration ""'
  ])
})

it("writes durations as Go does", () => {
  assert.deepStrictEqual([0, 15_000, 90_000, 86_400_000, 250, 1500, 0.5].map(formatGoDuration), [
    "0s",
    "15s",
    "1m30s",
    "24h0m0s",
    "250ms",
    "1.5s",
    "500µs"
  ])
})
