import { assert, describe, it } from "@effect/vitest"
import { makeLedger } from "../../src/controller/Ledger.ts"
import type { Status, Waiting } from "../../src/domain/Status.ts"
import { World } from "../support/world.ts"

const unlimited = { maxRunning: 0, maxRunningPerOwner: 0 }

const base = ((): Status => {
  const world = new World()
  world.settle()
  if (world.status === undefined) throw new Error("no status")
  return world.status
})()

interface Place {
  readonly slots?: ReadonlyArray<string>
  readonly waiting?: Partial<Waiting>
  readonly owner?: string
  readonly over?: boolean
  readonly supersedes?: boolean
}

const status = (name: string, { over, owner = "me", slots = [], supersedes, waiting }: Place): Status => {
  const { waiting: _none, config, ...rest } = base
  if (config === undefined) throw new Error("no config")
  return {
    ...rest,
    name,
    job_id: `job-${name}`,
    config: { ...config, owner },
    slots,
    status: over === true ? "SUCCEEDED" : "BUILDING",
    attempts: waiting === undefined ? rest.attempts : [],
    ...(supersedes === true ? { on_conflict: "supersede" as const } : {}),
    ...(waiting === undefined
      ? {}
      : { waiting: { reason: "WaitingForSlot", message: "", position: 1, slots: [], since: 0, ...waiting } })
  }
}

describe("Ledger", () => {
  it("knows who holds what, and finds runs by their job id", () => {
    const ledger = makeLedger()
    ledger.take(status("a", { slots: ["s1", "s2"] }))
    const seen = ledger.competition({ name: "b", owner: "me", slots: ["s1", "s3"] }, unlimited)
    assert.deepStrictEqual(
      [...seen.holders].map(([slot, { name }]) => [slot, name]),
      [["s1", "a"]]
    )
    assert.strictEqual(ledger.competition({ name: "a", owner: "me", slots: ["s1"] }, unlimited).holders.size, 0)
    assert.strictEqual(ledger.nameOf("job-a"), "a")
    assert.isTrue(ledger.isHeld("s2"))
    ledger.take({ ...status("a", { over: true }), job_id: "job-a2" })
    assert.isFalse(ledger.isHeld("s2"))
    assert.isUndefined(ledger.nameOf("job-a"))
  })

  it("strikes out a run that moved to the archive", () => {
    const ledger = makeLedger()
    ledger.take(status("a", { slots: ["s1"] }))
    ledger.forget("a")
    ledger.forget("never known")
    assert.isUndefined(ledger.nameOf("job-a"))
    assert.isFalse(ledger.isHeld("s1"))
    const seen = ledger.competition({ name: "b", owner: "me", slots: ["s1"] }, unlimited)
    assert.deepInclude(seen, { running: 0, runningOfOwner: 0 })
    assert.strictEqual(seen.holders.size, 0)
  })

  it("wakes those that wait for a slot that was given back, in the order in which they came", () => {
    const ledger = makeLedger()
    ledger.take(status("holder", { slots: ["s1"] }))
    ledger.take(status("late", { waiting: { slots: ["s1"], since: 20 } }))
    ledger.take(status("early", { waiting: { slots: ["s1"], since: 10 } }))
    ledger.take(status("other", { waiting: { slots: ["s2"], since: 5 } }))
    assert.deepStrictEqual(ledger.take(status("holder", { over: true })), ["early", "late"])
    assert.deepStrictEqual(
      ledger.competition({ name: "late", owner: "me", slots: ["s1"] }, unlimited).ahead.map(({ name }) => name),
      ["other", "early"]
    )
    assert.deepStrictEqual(
      ledger.competition({ name: "new", owner: "me", slots: ["s1"] }, unlimited).ahead.map(({ name }) => name),
      ["other", "early", "late"]
    )
  })

  it("wakes nobody for a run that waits on", () => {
    const ledger = makeLedger()
    ledger.take(status("holder", { slots: ["s1"] }))
    ledger.take(status("early", { waiting: { slots: ["s1"], since: 10 } }))
    ledger.take(status("late", { waiting: { slots: ["s1"], since: 20 } }))
    assert.deepStrictEqual(ledger.take(status("early", { waiting: { slots: ["s1"], since: 10 } })), [])
    assert.deepStrictEqual(ledger.take(status("late", { waiting: { slots: ["s1"], since: 20, position: 2 } })), [])
  })

  it("wakes those behind a run that stopped waiting", () => {
    const ledger = makeLedger()
    ledger.take(status("early", { waiting: { slots: ["s1"], since: 10 } }))
    ledger.take(status("late", { waiting: { slots: ["s1"], since: 20 } }))
    assert.deepStrictEqual(ledger.take(status("early", { over: true })), ["late"])
  })

  it("counts what runs, of all and of one owner", () => {
    const ledger = makeLedger()
    ledger.take(status("a", {}))
    ledger.take(status("b", { owner: "you" }))
    ledger.take(status("c", { waiting: { reason: "WaitingForCapacity" } }))
    const { running, runningOfOwner } = ledger.competition({ name: "x", owner: "you", slots: [] }, unlimited)
    assert.deepStrictEqual([running, runningOfOwner], [2, 1])
    const self = ledger.competition({ name: "a", owner: "me", slots: [] }, unlimited)
    assert.deepStrictEqual([self.running, self.runningOfOwner], [1, 0])
    assert.deepStrictEqual(ledger.take(status("a", { over: true })), ["c"])
    assert.strictEqual(ledger.competition({ name: "x", owner: "me", slots: [] }, unlimited).running, 1)
  })

  it("does not let the waiting runs of an owner at its limit stand before others", () => {
    const ledger = makeLedger()
    const limits = { maxRunning: 3, maxRunningPerOwner: 1 }
    ledger.take(status("a", { owner: "greedy" }))
    for (const [at, name] of ["g1", "g2", "g3"].entries()) {
      ledger.take(status(name, { owner: "greedy", waiting: { reason: "WaitingForCapacity", since: at } }))
    }
    const modest = ledger.competition({ name: "m", owner: "modest", slots: [] }, limits)
    assert.deepStrictEqual(modest.aheadForCapacity, { ofOwner: 0, all: 0 })
    const greedy = ledger.competition({ name: "g9", owner: "greedy", slots: [] }, { ...limits, maxRunningPerOwner: 3 })
    assert.deepStrictEqual(greedy.aheadForCapacity, { ofOwner: 2, all: 2 })
  })

  it("wakes the holder of what a superseding run waits for, and tells it by whom", () => {
    const ledger = makeLedger()
    ledger.take(status("holder", { slots: ["s1"] }))
    const waiter = status("new", { supersedes: true, waiting: { slots: ["s1"], since: 10 } })
    assert.deepStrictEqual(ledger.take(waiter), ["holder"])
    const seen = ledger.competition({ name: "holder", owner: "me", slots: ["s1"] }, unlimited)
    assert.strictEqual(seen.superseder?.name, "new")
    assert.isUndefined(ledger.competition({ name: "new", owner: "me", slots: ["s1"] }, unlimited).superseder)
  })
})
