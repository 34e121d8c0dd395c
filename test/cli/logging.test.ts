import { assert, describe, it, vi } from "@effect/vitest"
import { Effect } from "effect"
import { liveLogging } from "../../src/cli/logging.ts"
import { makeRedactor } from "../../src/redaction/Redactor.ts"

describe("the service's log", () => {
  it.effect("keeps no line: the span in which all of a service runs ends with the process", () =>
    Effect.gen(function* () {
      const spy = vi.spyOn(process.stderr, "write").mockReturnValue(true)
      const span = yield* Effect.logInfo("Job moved on").pipe(
        Effect.zipRight(Effect.currentSpan),
        Effect.withSpan("runService"),
        Effect.provide(liveLogging("json", "info", makeRedactor([])).layer)
      )
      assert.lengthOf(spy.mock.calls, 1)
      // Effect's own spans have them, its interface doesn't tell.
      assert.deepStrictEqual(Object.entries(span).find(([name]) => name === "events")?.[1], [])
      spy.mockRestore()
    })
  )
})
