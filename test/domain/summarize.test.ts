import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { advance } from "../../src/domain/advance.ts"
import { hindered, unhindered } from "../../src/domain/hindrance.ts"
import { NewerWord } from "../../src/domain/openWord.ts"
import { refuseRun } from "../../src/domain/run.ts"
import { Status } from "../../src/domain/Status.ts"
import { summarize } from "../../src/domain/summarize.ts"
import { tested, valid, World } from "../support/world.ts"

const refused = refuseRun("app", 1, "", "InvalidSpec", "owner is required", [], 1000)

const building = (): Status => {
  const world = new World()
  world.record = valid(tested)
  world.settle()
  world.run(world.child("build"))
  world.settle()
  if (world.status === undefined) throw new Error("no status")
  return world.status
}

describe("summarize", () => {
  it("bears a failure without a reason and a success without a digest, as other versions may have written them", () => {
    const { reason: _reason, error: _error, ...bare } = refused
    const failed = summarize(bare, [], 1000).conditions.find(({ type }) => type === "Succeeded")
    assert.deepStrictEqual([failed?.reason, failed?.message], ["Failed", ""])
    const done = summarize({ ...bare, status: "SUCCEEDED" }, [], 1000).conditions.find(
      ({ type }) => type === "Succeeded"
    )
    assert.deepStrictEqual([done?.status, done?.message], ["True", ""])
  })

  it("keeps the time of a condition that did not flip, and moves it when it did", () => {
    const first = summarize(refused, [], 1000)
    const second = summarize({ ...refused, reason: "DuplicateName" }, first.conditions, 2000)
    assert.isTrue(second.conditions.every(({ last_transition_time }) => last_transition_time === 1000))
    const third = summarize({ ...refused, status: "SUCCEEDED" }, second.conditions, 3000)
    assert.strictEqual(third.conditions.find(({ type }) => type === "Succeeded")?.last_transition_time, 3000)
  })

  it("keeps what a newer version says of this generation, and nothing of one before", () => {
    const { conditions } = summarize(refused, [], 1000)
    const [like] = conditions
    if (like === undefined) throw new Error("no condition")
    const ofNewer = { ...like, type: NewerWord.make("Attested") }
    assert.deepStrictEqual(summarize(refused, [...conditions, ofNewer], 2000).conditions, [...conditions, ofNewer])
    const before = { ...ofNewer, observed_generation: refused.generation - 1 }
    assert.deepStrictEqual(summarize(refused, [...conditions, before], 2000).conditions, conditions)
  })

  it("says what keeps a run from going on, and no more once it goes on", () => {
    const of = (status: Status) => status.conditions.find(({ type }) => type === "Reconciling")
    const stuck = hindered(building(), { reason: "NomadUnavailable", message: "connection refused" }, 5000)
    assert.deepInclude(of(stuck), { status: "True", reason: "NomadUnavailable", message: "connection refused" })
    assert.strictEqual(stuck.hindered?.since, 5000)
    const free = unhindered(stuck, 6000)
    assert.isUndefined(free.hindered)
    assert.notStrictEqual(of(free)?.reason, "NomadUnavailable")
  })

  it("gives a phase no end while one of its attempts is open", () => {
    const status = building()
    const times = summarize({ ...status, status: "TESTING", phase: "test" }, [], 5_000_000).times
    assert.isNumber(times.build_start)
    assert.isUndefined(times.build_end)
  })
})

describe("advance", () => {
  it("leaves a status alone that belongs to no run", () => {
    const world = new World()
    const step = advance(world.snapshot(new Map()), refused)
    assert.deepStrictEqual(step, { status: refused, actions: [], due: [] })
  })

  it.each([
    ["BUILDING", "build", 1],
    ["TESTING", "test", 3],
    ["PUBLISHING", "publish", 1]
  ] as const)(
    "starts the children that a %s status should have and lacks, rather than wait for ever",
    (status, phase, count) => {
      const world = new World()
      world.record = valid(tested)
      const step = advance(world.snapshot(new Map()), { ...building(), status, phase, attempts: [] })
      assert.lengthOf(step.actions, count)
      assert.isTrue(step.status.attempts.every((attempt) => attempt.phase === phase))
    }
  )
})

describe("Status", () => {
  it.effect("comes back from the store as it was written", () =>
    Effect.gen(function* () {
      const status = building()
      const Stored = Schema.parseJson(Status)
      const text = yield* Schema.encode(Stored)(status)
      assert.include(text, '"updated_at":"1970-01-01T00:16:40.000Z"')
      assert.isTrue(Schema.equivalence(Status)(yield* Schema.decode(Stored)(text), status))
    })
  )

  it.effect("is refused with a time that is none", () =>
    Effect.gen(function* () {
      const encoded = yield* Schema.encode(Status)(refused)
      const error = yield* Effect.flip(Schema.decodeUnknown(Status)({ ...encoded, updated_at: "yesterday" }))
      assert.include(error.message, "not a time")
    })
  )
})
