import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, FastCheck, Predicate, Schema } from "effect"
import { Attempt, Condition, Status, StatusEvent, Times, Waiting } from "../../src/domain/Status.ts"
import { statusValue } from "../../src/store/statusValue.ts"
import { tested, valid, World } from "../support/world.ts"

const encodeAnew = Schema.encodeSync(Schema.parseJson(Status))

const time = FastCheck.integer({ min: 0, max: 4e12 })

/** What the schema allows, with times that a calendar has. */
const arbitrary = <A, I>(schema: Schema.Schema<A, I>) => Arbitrary.make(schema).map(withTimes).filter(Schema.is(schema))

const withTimes = (value: unknown): unknown => {
  if (typeof value === "number") return Math.abs(value) < 4e12 ? value : 0
  if (Array.isArray(value)) return value.map(withTimes)
  return Predicate.isRecord(value)
    ? Object.fromEntries(Object.entries(value).map(([name, member]) => [name, withTimes(member)]))
    : value
}

const many = <A, I>(schema: Schema.Schema<A, I>) => FastCheck.array(arbitrary(schema), { maxLength: 3 })

/** Statuses with a job that is real, and anything else that a status may have. */
const statuses = (() => {
  const world = new World()
  world.record = valid(tested)
  world.settle()
  const { status } = world
  if (status === undefined) throw new Error("there is no status")
  return FastCheck.record({
    attempts: many(Attempt),
    events: many(StatusEvent),
    conditions: many(Condition),
    slots: FastCheck.array(FastCheck.string()),
    times: arbitrary(Times),
    waiting: arbitrary(Waiting),
    updated_at: time
  }).map((parts): Status => ({ ...status, ...parts }))
})()

describe("a status as it is written", () => {
  it.prop("is what its schema says, the first time and again", [statuses], ([status]) => {
    const expected = encodeAnew(status)
    assert.strictEqual(statusValue.encode(status), expected)
    assert.strictEqual(statusValue.encode({ ...status, attempts: [...status.attempts] }), expected)
  })

  it.prop("has each part as it is now, beside those that stayed", [statuses, time], ([status, at]) => {
    statusValue.encode(status)
    const next = {
      ...status,
      attempts: status.attempts.map((attempt, index) => (index === 0 ? { ...attempt, intended_at: at } : attempt)),
      events: [...status.events, { at, reason: "Moved", message: "on" }],
      updated_at: at
    }
    assert.strictEqual(statusValue.encode(next), encodeAnew(next))
  })

  it("is not written when a part of it is none", () => {
    const [status] = FastCheck.sample(statuses, 1)
    if (status === undefined) throw new Error("there is no status")
    const wrong = [...status.events, { at: Number.NaN, reason: "", message: "" }]
    assert.throws(() => statusValue.encode({ ...status, events: wrong }))
    assert.throws(() => statusValue.encode({ ...status, events: wrong }))
  })
})
