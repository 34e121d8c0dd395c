import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { LogEvent } from "../../src/api/LogEvent.ts"
import type { LogFilters } from "../../src/api/Requests.ts"
import { followFilter } from "../../src/commands/followFilter.ts"

const line: LogEvent = {
  job_id: "id",
  phase: "test",
  timestamp: "2026-01-31T09:30:00.000Z",
  level: "INFO",
  message: "[main/stderr] 1 failing",
  attempt: 2,
  test: 0,
  nomad_job_id: "test-cmd-id-0-2",
  stream: "stderr",
  offset: 0,
  cursor: "c"
}

describe("a log that is followed", () => {
  it.effect.each<readonly [LogFilters, boolean]>([
    [{}, true],
    [{ phase: "test" }, true],
    [{ phase: "build" }, false],
    [{ stream: "stdout" }, false],
    [{ attempt: "2" }, true],
    [{ attempt: "1" }, false],
    [{ test: "0", grep: "failing" }, true],
    [{ test: "entry-point" }, false],
    [{ grep: "passing" }, false]
  ])("has its lines narrowed by %o: %s", ([filters, expected]) =>
    Effect.map(followFilter(filters), (wanted) => assert.strictEqual(wanted(line), expected))
  )

  it.effect.each<LogFilters>([{ tail: "5" }, { head: "5" }, { since: "10m" }, { attempt: "last" }])(
    "can't be narrowed by %o",
    (filters) =>
      Effect.map(Effect.flip(followFilter(filters)), ({ exitCode, message }) => {
        assert.strictEqual(exitCode, 2)
        assert.include(message, `--${Object.keys(filters)[0]}`)
        assert.include(message, "--follow")
      })
  )
})
