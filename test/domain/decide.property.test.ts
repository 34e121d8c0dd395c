import { assert, describe, it } from "@effect/vitest"
import { FastCheck as fc } from "effect"
import { isTerminal } from "../../src/domain/Status.ts"
import { befall, happening } from "../support/befall.ts"
import { tested, valid, World } from "../support/world.ts"

/** What must hold after every pass, whatever happened before. */
const check = (world: World, before: World["status"]): void => {
  const { status } = world
  if (status === undefined) return
  const ids = world.open().map(({ phase, test, attempt }) => `${phase} ${JSON.stringify(test)} ${attempt}`)
  assert.lengthOf(new Set(ids), ids.length, "one live child of a step and attempt")
  const steps = world.open().map(({ phase, test }) => `${phase} ${JSON.stringify(test)}`)
  assert.lengthOf(new Set(steps), steps.length, "one live attempt of a step")
  if (status.attempts.some(({ phase }) => phase === "publish")) {
    const passed = status.attempts.filter(({ phase, outcome }) => phase === "test" && outcome?.result === "succeeded")
    assert.lengthOf(passed, 3, "published only after every test passed")
  }
  if (before !== undefined && isTerminal(before.status) && before.generation === status.generation) {
    assert.strictEqual(status.status, before.status, "terminal is final")
    assert.strictEqual(status.reason, before.reason, "and so is its reason")
  }
  assert.isAtLeast(status.generation, before?.generation ?? 0, "generations only grow")
  if (status.status === "SUCCEEDED") assert.isString(status.digest)
}

describe("decide", () => {
  it("keeps its promises whatever happens, and settles once nothing happens any more", () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 60 }), (happenings) => {
        const world = new World()
        world.record = valid(tested)
        for (const one of happenings) {
          const before = world.status
          befall(world, one)
          world.pass()
          check(world, before)
        }
        // Faults stop: whatever is under way ends, and whatever is due comes.
        for (let rounds = 0; rounds < 40; rounds++) {
          world.settle()
          world.now += 4_000_000
          for (const { nomad_job_id: id } of world.open()) world.succeed(id)
        }
        world.settle()
        assert.lengthOf(world.open(), 0)
        assert.isTrue(world.status === undefined || isTerminal(world.status.status))
        const written = world.status
        world.now += 100_000_000
        world.pass()
        assert.strictEqual(world.status, written, "nothing is written at rest")
      }),
      { numRuns: 300 }
    )
  })

  it("is a function of its snapshot", () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 30 }), (happenings) => {
        const twins = [new World(), new World()]
        for (const world of twins) {
          world.record = valid(tested)
          for (const one of happenings) {
            befall(world, one)
            world.pass()
          }
        }
        assert.deepStrictEqual(twins[0]?.status, twins[1]?.status)
        assert.deepStrictEqual(twins[0]?.log, twins[1]?.log)
      }),
      { numRuns: 50 }
    )
  })
})
