import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { noteUnread } from "../../src/controller/noteUnread.ts"
import { redactChildren } from "../../src/controller/redactChildren.ts"
import { ChildState } from "../../src/domain/ChildState.ts"
import { beginRun } from "../../src/domain/run.ts"
import { makeRedactor } from "../../src/redaction/Redactor.ts"
import { Redaction } from "../../src/store/Redaction.ts"
import { desired, policy } from "../support/world.ts"

const status = beginRun(policy, "web", 1, desired(), [], 1000)
const secret = "what-nobody-may-see"
const at = { allocationId: "a", nodeId: "i", nodeName: "n" }

const redacted = (states: ReadonlyArray<ChildState>, run = Option.some(status)) => {
  let asked = 0
  const redaction = Redaction.of({
    own: makeRedactor([]),
    of: () =>
      Effect.sync(() => {
        asked += 1
        return { ...makeRedactor([secret]), unread: [] }
      })
  })
  return redactChildren(run, new Map(states.map((state, index) => [String(index), state]))).pipe(
    Effect.provideService(Redaction, redaction),
    Effect.map((children) => ({ asked, text: JSON.stringify([...children.values()]) }))
  )
}

describe("what Nomad says about a run's children", () => {
  const words = `failed to parse "PASSWORD=${secret}"`
  const states: ReadonlyArray<ChildState> = [
    ChildState.Queued({ unplaced: Option.some(words) }),
    ChildState.Starting({ ...at, waiting: Option.some(words) }),
    ChildState.Lost({ allocationId: "a", message: words }),
    ChildState.NeverStarted({ ...at, reason: "template", message: words, finishedAt: 1 }),
    ChildState.CommandFailed({ ...at, exitCode: 1, oomKilled: false, message: words, startedAt: 1, finishedAt: 2 })
  ]
  for (const state of states) {
    it.effect(`holds no secret when the child is ${state._tag}`, () =>
      Effect.gen(function* () {
        const { text } = yield* redacted([state])
        assert.include(text, "PASSWORD=[redacted]")
        assert.notInclude(text, secret)
      })
    )
  }

  it.effect("is not looked at while there is nothing", () =>
    Effect.gen(function* () {
      const silent = [
        ChildState.Running({ ...at, startedAt: 1 }),
        ChildState.Queued({ unplaced: Option.none() }),
        ChildState.Starting({ ...at, waiting: Option.none() })
      ]
      assert.strictEqual((yield* redacted(silent)).asked, 0)
    })
  )
})

describe("a status", () => {
  it("says once for each run which secrets were not looked for", () => {
    const noted = noteUnread(status, ["secret/a", "secret/b"], 2000)
    assert.match(noted.events.at(-1)?.message ?? "", /secret\/a, secret\/b/)
    assert.strictEqual(noteUnread(noted, ["secret/a"], 3000), noted)
    assert.strictEqual(noteUnread(status, [], 2000), status)
    const next = { ...noted, times: { job_start: 5000 } }
    assert.lengthOf(noteUnread(next, ["secret/a"], 6000).events, noted.events.length + 1)
  })
})
