import { assert, describe, it } from "@effect/vitest"
import { ChildState } from "../../src/domain/ChildState.ts"
import { RecordView } from "../../src/domain/Snapshot.ts"
import { policy, tested, valid, World } from "../support/world.ts"

const building = (): World => {
  const world = new World()
  world.record = valid(tested)
  world.settle()
  world.run(world.child("build"))
  world.settle()
  return world
}

const finished = (): World => {
  const world = building()
  world.succeedAll()
  return world
}

const ask = (world: World, verb: "kill" | "retry" | "cleanup" | "purge", jobId = world.status?.job_id ?? ""): void => {
  world.requests.push({ id: `${verb}-1`, verb, jobId })
  world.settle()
}

const lastEvent = (world: World) => world.status?.events.at(-1)

describe("a request", () => {
  it("to kill stops the run whatever it is doing, and is answered once", () => {
    const world = building()
    const id = world.child("build")
    ask(world, "kill")
    assert.include(world.log, `Stop ${id}`)
    assert.strictEqual(world.status?.reason, "Cancelled")
    assert.strictEqual(world.status?.error, "Job killed by user")
    assert.lengthOf(world.requests, 0)
  })

  it("to kill leaves a run that is being stopped already to its reason", () => {
    const world = building()
    world.record = RecordView.Absent()
    world.requests.push({ id: "kill-1", verb: "kill", jobId: world.status?.job_id ?? "" })
    world.settle()
    assert.strictEqual(world.status?.reason, "Deleted")
  })

  it("to kill a job that is over changes nothing and says so", () => {
    const world = finished()
    ask(world, "kill")
    assert.strictEqual(world.status?.status, "SUCCEEDED")
    assert.include(lastEvent(world)?.message ?? "", "the job is over")
    assert.lengthOf(world.requests, 0)
  })

  it("about another run of the record changes nothing and says so", () => {
    const world = building()
    ask(world, "kill", "an-older-job")
    assert.strictEqual(world.status?.status, "BUILDING")
    assert.include(lastEvent(world)?.message ?? "", "not the record's present run")
  })

  it("to retry builds the unchanged record again, as a new generation", () => {
    const world = finished()
    const before = world.status?.job_id
    ask(world, "retry")
    assert.strictEqual(world.status?.generation, 2)
    assert.notStrictEqual(world.status?.job_id, before)
    assert.strictEqual(world.status?.status, "PENDING")
  })

  it("to retry a run that is under way, or one without a record, changes nothing", () => {
    const world = building()
    ask(world, "retry")
    assert.strictEqual(world.status?.generation, 1)
    assert.include(lastEvent(world)?.message ?? "", "not over yet")
    const deleted = finished()
    deleted.record = RecordView.Absent()
    deleted.settle()
    ask(deleted, "retry")
    assert.include(lastEvent(deleted)?.message ?? "", "no record to build")
  })

  it("to clean up removes the temporary image once more", () => {
    const world = finished()
    ask(world, "cleanup")
    assert.isTrue(world.child("cleanup").endsWith("-2"))
    ask(world, "cleanup")
    assert.isTrue(world.child("cleanup").endsWith("-2"))
  })

  it("to clean up after a job without tests has nothing to remove", () => {
    const world = new World()
    world.settle()
    world.succeedAll()
    ask(world, "cleanup")
    assert.lengthOf(world.open(), 0)
    assert.strictEqual(lastEvent(world)?.reason, "CleanupRequested")
  })

  it("to purge makes Nomad forget what has ended", () => {
    const world = finished()
    const ids = world.status?.attempts.map(({ nomad_job_id: id }) => id) ?? []
    ask(world, "purge")
    assert.includeMembers(
      world.log,
      ids.map((id) => `Purge ${id}`)
    )
  })

  it("to purge is carried out also where the next run begins in the same step", () => {
    const world = finished()
    const ids = world.status?.attempts.map(({ nomad_job_id: id }) => id) ?? []
    world.record = valid({ ...tested, git_ref: "next" })
    ask(world, "purge")
    assert.strictEqual(world.status?.generation, 2)
    assert.includeMembers(
      world.log,
      ids.map((id) => `Purge ${id}`)
    )
  })

  it("to purge leaves alone what has not", () => {
    const world = building()
    for (const { nomad_job_id: id } of world.open()) world.succeed(id)
    world.settle()
    for (const { nomad_job_id: id } of world.open()) world.fail(id, 1)
    world.settle()
    const open = world.child("cleanup")
    ask(world, "purge")
    assert.notInclude(world.log, `Purge ${open}`)
  })
})

describe("a child that is out of reach", () => {
  it("is waited for within a bound once it was told to stop", () => {
    const world = building()
    const id = world.child("build")
    world.record = valid({ ...tested, state: "cancelled" })
    world.pass()
    world.children.set(id, ChildState.Stopping({ allocationId: "a" }))
    world.settle()
    assert.strictEqual(world.status?.status, "BUILDING")
    world.now += policy.stopGrace
    world.settle()
    assert.strictEqual(world.status?.reason, "Cancelled")
    assert.strictEqual(world.status?.attempts[0]?.outcome?.logs, "unavailable")
  })

  it("is left to its limits while nobody told it to stop", () => {
    const world = building()
    world.children.set(world.child("build"), ChildState.Stopping({ allocationId: "a" }))
    world.settle()
    assert.strictEqual(world.status?.status, "BUILDING")
  })
})
