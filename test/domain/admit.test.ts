import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import { alone } from "../../src/domain/Competition.ts"
import { resolveJob } from "../../src/domain/resolve.ts"
import { allSlots, buildSlot, publishSlots } from "../../src/domain/slots.ts"
import { desired, policy, tested, valid, World } from "../support/world.ts"

const tags = { image_tags: ["latest", "v1"] }
const other = { name: "other", jobId: "other-job" }

const slotsOf = (fields: Readonly<Record<string, unknown>>) => {
  const job = resolveJob(desired(fields).job, policy.defaults)
  return { build: buildSlot(job), publish: publishSlots(job), all: allSlots(job) }
}

const waitingFor = (fields: Readonly<Record<string, unknown>>, competition: Partial<typeof alone>): World => {
  const world = new World()
  world.record = valid(fields)
  world.competition = { ...alone, ...competition }
  world.pass()
  return world
}

describe("slots", () => {
  it("are one for image and ref, and one for each tag but the job's own", () => {
    const { all, build, publish } = slotsOf({ ...tags, image_tags: ["latest", "v1", "latest"] })
    assert.lengthOf(publish, 2)
    assert.deepStrictEqual(all, [build, ...publish])
    assert.notStrictEqual(slotsOf({ git_ref: "other" }).build, build)
    assert.deepStrictEqual(slotsOf({ ...tags, git_ref: "other" }).publish, publish)
    assert.notDeepEqual(slotsOf({ ...tags, image_name: "other" }).publish, publish)
  })

  it("are all taken by a build that publishes, until the run is over", () => {
    const world = waitingFor(tags, {})
    assert.deepStrictEqual(world.status?.slots, slotsOf(tags).all)
    world.succeed(world.child("build"))
    world.settle()
    assert.strictEqual(world.status?.status, "SUCCEEDED")
    assert.deepStrictEqual(world.status?.slots, [])
  })

  it("are given back after the build, and taken for publishing, when tests stand in between", () => {
    const fields = { ...tags, ...tested }
    const { build, publish } = slotsOf(fields)
    const world = waitingFor(fields, {})
    assert.deepStrictEqual(world.status?.slots, [build])
    world.succeed(world.child("build"))
    world.settle()
    assert.deepStrictEqual(world.status?.slots, [])
    for (const { nomad_job_id: id } of world.open()) world.succeed(id)
    world.settle()
    assert.strictEqual(world.status?.status, "PUBLISHING")
    assert.deepStrictEqual(world.status?.slots, publish)
    world.fail(world.child("publish"), 1)
    world.settle()
    assert.deepStrictEqual(world.status?.slots, [])
  })
})

describe("a run whose slot is held", () => {
  const { build, publish } = slotsOf(tags)

  it("names a holder once whose record is named by its job", () => {
    const world = waitingFor(tags, { holders: new Map([[build, { ...other, name: other.jobId }]]) })
    assert.strictEqual(world.status?.waiting?.message, "job other-job holds the same image")
  })

  it("waits, says for whom and at which place, and starts when it is free", () => {
    const world = waitingFor(tags, { holders: new Map([[build, other]]) })
    assert.strictEqual(world.status?.status, "PENDING")
    assert.lengthOf(world.log, 0)
    assert.deepStrictEqual(world.status?.waiting?.holder, { name: "other", job_id: "other-job" })
    assert.strictEqual(world.status?.waiting?.reason, "WaitingForSlot")
    assert.strictEqual(world.status?.waiting?.message, "other (job other-job) holds the same image")
    assert.strictEqual(world.status?.waiting?.position, 1)
    assert.strictEqual(Option.getOrThrow(world.last.again), 30_000)
    const since = world.status?.waiting?.since
    world.now += 30_000
    world.pass()
    assert.strictEqual(world.status?.waiting?.since, since)
    assert.strictEqual(world.status?.conditions.find(({ type }) => type === "Reconciling")?.reason, "WaitingForSlot")
    world.competition = alone
    world.settle()
    assert.isUndefined(world.status?.waiting)
    assert.lengthOf(world.log, 1)
  })

  it("stands behind those that began to wait earlier for one of the same slots, and only behind those", () => {
    const waiter = { ...other, slots: new Set([publish[1] ?? ""]) }
    const stranger = { name: "stranger", jobId: "s", slots: new Set(["another slot"]) }
    const world = waitingFor(tags, { ahead: [stranger, waiter] })
    assert.strictEqual(world.status?.waiting?.position, 2)
    assert.strictEqual(world.status?.waiting?.holder?.name, "other")
    assert.include(world.status?.waiting?.message ?? "", "waits longer")
    assert.isUndefined(waitingFor(tags, { ahead: [stranger] }).status?.waiting)
  })

  it("fails at once when its record says reject, and names the holder", () => {
    const world = waitingFor({ ...tags, on_conflict: "reject" }, { holders: new Map([[build, other]]) })
    assert.strictEqual(world.status?.status, "FAILED")
    assert.strictEqual(world.status?.reason, "SlotTaken")
    assert.include(world.status?.error ?? "", "other-job")
    assert.isUndefined(world.status?.waiting)
  })

  it("waits for publishing without holding its build's slot", () => {
    const fields = { ...tags, test: { entry_point: true } }
    const world = waitingFor(fields, {})
    world.succeed(world.child("build"))
    world.settle()
    world.competition = { ...alone, holders: new Map([[publish[0] ?? "", other]]) }
    world.succeed(world.child("test"))
    world.settle()
    assert.strictEqual(world.status?.status, "PUBLISHING")
    assert.deepStrictEqual(world.status?.slots, [])
    assert.strictEqual(world.status?.waiting?.reason, "WaitingForSlot")
    world.competition = alone
    world.settle()
    assert.isTrue(world.child("publish").startsWith("publish-"))
  })

  it("ends without having begun when it is cancelled", () => {
    const world = waitingFor(tags, { holders: new Map([[build, other]]) })
    world.record = valid({ ...tags, state: "cancelled" })
    world.settle()
    assert.strictEqual(world.status?.reason, "Cancelled")
    assert.lengthOf(world.log, 0)
  })

  it("ends when the whole job has taken too long", () => {
    const world = waitingFor(tags, { holders: new Map([[build, other]]) })
    world.now += policy.jobTimeout
    world.settle()
    assert.strictEqual(world.status?.reason, "JobTimeout")
  })
})

describe("a run whose slots another may have", () => {
  it("ends, and says who took over", () => {
    const world = waitingFor(tags, {})
    const id = world.child("build")
    world.run(id)
    world.settle()
    world.competition = { ...alone, superseder: other }
    world.settle()
    assert.include(world.log, `Stop ${id}`)
    assert.strictEqual(world.status?.reason, "Superseded")
    assert.include(world.status?.error ?? "", "other-job")
    assert.deepStrictEqual(world.status?.slots, [])
  })
})

describe("a run beyond the limits", () => {
  it("waits for capacity of all", () => {
    const world = new World()
    world.policy = { ...policy, maxRunning: 2 }
    world.competition = { ...alone, running: 1, aheadForCapacity: { all: 1, ofOwner: 0 } }
    world.pass()
    assert.strictEqual(world.status?.waiting?.reason, "WaitingForCapacity")
    assert.strictEqual(world.status?.waiting?.position, 2)
    assert.isUndefined(world.status?.waiting?.holder)
    world.competition = { ...alone, running: 1 }
    world.settle()
    assert.isUndefined(world.status?.waiting)
  })

  it("waits for capacity of its owner", () => {
    const world = new World()
    world.policy = { ...policy, maxRunningPerOwner: 1 }
    world.competition = { ...alone, running: 5, runningOfOwner: 1 }
    world.pass()
    assert.include(world.status?.waiting?.message ?? "", "of this owner")
    world.competition = { ...alone, running: 5 }
    world.settle()
    assert.isUndefined(world.status?.waiting)
  })

  it("does not reject for want of capacity", () => {
    const world = new World()
    world.record = valid({ on_conflict: "reject" })
    world.policy = { ...policy, maxRunning: 1 }
    world.competition = { ...alone, running: 1 }
    world.pass()
    assert.strictEqual(world.status?.status, "PENDING")
  })
})
