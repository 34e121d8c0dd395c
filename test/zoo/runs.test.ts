import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Option } from "effect"
import { ChildState } from "../../src/domain/ChildState.ts"
import { decodeRecord } from "../../src/domain/decodeRecord.ts"
import { RecordView } from "../../src/domain/Snapshot.ts"
import { specFor } from "../../src/controller/specFor.ts"
import { readSettings } from "../../src/store/Settings.ts"
import { digest, minimal, policy, tested, valid, World } from "../support/world.ts"
import { keys, record, setStage, withTests } from "./support/Stage.ts"

/** The same wish to cancel in every shape that a record may have. */
const cancelledRecords = (): ReadonlyArray<readonly [string, string]> => {
  const fields = { ...minimal, ...tested, state: "cancelled" }
  return [
    ["JSON", JSON.stringify(fields)],
    ["wrapped JSON", JSON.stringify({ job_config: fields })],
    [
      "YAML",
      Object.entries(fields)
        .map(([key, value]) => `${key}: ${JSON.stringify(value)}`)
        .join("\n")
    ],
    ["wrapped, with the state outside", JSON.stringify({ job_config: { ...minimal, ...tested }, state: "cancelled" })],
    ["with other labels", JSON.stringify({ ...fields, labels: { why: "enough" } })]
  ]
}

/** A run brought to each of its phases. */
const phases: Readonly<Record<string, (world: World) => void>> = {
  queued: () => {},
  building: (world) => world.run(world.child("build")),
  testing: (world) => {
    world.succeed(world.child("build"))
    world.settle()
    for (const { nomad_job_id: id } of world.open()) world.run(id)
  },
  publishing: (world) => {
    world.succeed(world.child("build"))
    world.settle()
    for (const { nomad_job_id: id } of world.open()) world.succeed(id)
    world.settle()
    world.run(world.child("publish"))
  }
}

describe("runs", () => {
  describe.each(cancelledRecords())("Z4: a record that says cancelled in %s", (_, text) => {
    it.each(Object.keys(phases))("ends its run while it is %s", (phase) => {
      const decoded = decodeRecord(text)
      if (decoded._tag === "Left") return assert.fail(JSON.stringify(decoded.left))
      const world = new World()
      world.record = valid(tested)
      world.settle()
      phases[phase]?.(world)
      world.settle()
      const open = world.open().map(({ nomad_job_id: id }) => id)
      world.record = RecordView.Valid({ desired: decoded.right })
      world.settle()
      assert.includeMembers(
        world.log,
        open.map((id) => `Stop ${id}`)
      )
      world.succeedAll()
      assert.strictEqual(world.status?.reason, "Cancelled")
      assert.strictEqual(world.status?.status, "FAILED")
      assert.strictEqual(world.status?.generation, 1)
    })
  })

  it.scopedLive("Z5: what is finished is not worked on again when the service starts anew", () =>
    Effect.gen(function* () {
      const stage = yield* setStage
      const first = yield* stage.serve()
      yield* stage.put("good", record("good", withTests))
      yield* stage.put("bad", record("bad", { git_ref: "broken", ...withTests }))
      yield* stage.put("invalid", { owner: 7 })
      yield* stage.ended("good")
      yield* stage.ended("bad")
      yield* stage.until("invalid", ({ errors }) => errors !== undefined)
      yield* Fiber.interrupt(first)
      const before = yield* stage.consul.list(keys.statuses)
      const { tasks } = stage.registry
      let acts = 0
      const second = yield* stage.serve({
        nomad: (nomad) => ({
          ...nomad,
          register: (job, options) =>
            Effect.zipRight(
              Effect.sync(() => acts++),
              nomad.register(job, options)
            ),
          stop: (id, options) =>
            Effect.zipRight(
              Effect.sync(() => acts++),
              nomad.stop(id, options)
            )
        })
      })
      // The last to be worked on: whatever is to happen to the others has happened before.
      yield* stage.put("z-later", { owner: 7 })
      yield* stage.until("z-later", ({ errors }) => errors !== undefined)
      yield* Fiber.interrupt(second)
      const after = yield* stage.consul.list(keys.statuses)
      for (const { key, modifyIndex } of before.value) {
        assert.strictEqual(after.value.find((entry) => entry.key === key)?.modifyIndex, modifyIndex, key)
      }
      assert.strictEqual(acts, 0)
      assert.strictEqual(stage.registry.tasks, tasks)
    })
  )

  it("Z6: many refused placements in a row end the job with Nomad's words, or are forgotten once one succeeds", () => {
    const unplaced = ChildState.Queued({ unplaced: Option.some("memory exhausted on 3 nodes") })
    const recovering = new World()
    recovering.settle()
    const id = recovering.child("build")
    for (let failures = 0; failures < 20; failures++) {
      recovering.children.set(id, unplaced)
      recovering.settle()
      recovering.now += 10_000
    }
    assert.include(recovering.status?.attempts[0]?.waiting, "memory exhausted")
    recovering.run(id)
    recovering.settle()
    recovering.succeed(id)
    recovering.settle()
    assert.strictEqual(recovering.status?.status, "SUCCEEDED")

    const hopeless = new World()
    hopeless.settle()
    const build = hopeless.child("build")
    hopeless.children.set(build, unplaced)
    hopeless.settle()
    // Somebody must look again by himself: nothing will happen that could wake him.
    assert.isTrue(Option.isSome(hopeless.last.again))
    hopeless.now += policy.unplacedGrace
    hopeless.settle()
    assert.strictEqual(hopeless.status?.reason, "Unplaceable")
    assert.include(hopeless.status?.error, "memory exhausted on 3 nodes")
  })

  it("Z8: an old picture of a finished child or run changes nothing any more", () => {
    const world = new World()
    world.record = valid(tested)
    world.settle()
    const build = world.child("build")
    world.succeed(build)
    world.settle()
    const digestOfBuild = world.status?.digest
    world.succeedAll()
    const { status } = world
    if (status?.status !== "SUCCEEDED") return assert.fail(JSON.stringify(status))
    for (const old of [
      ChildState.Running({ allocationId: "old", nodeId: "old", nodeName: "old", startedAt: 1 }),
      ChildState.Absent(),
      ChildState.Lost({ allocationId: "old", message: "" })
    ]) {
      for (const { nomad_job_id: id } of status.attempts) world.children.set(id, old)
      world.settle()
    }
    assert.strictEqual(world.status, status)
    assert.strictEqual(world.status?.digest, digestOfBuild)
  })

  it("Z16: time in Nomad's queue is not run time", () => {
    const world = new World()
    world.record = valid({ build_timeout: "30m" })
    world.settle()
    const id = world.child("build")
    world.now += 55 * 60_000
    world.settle()
    world.run(id)
    world.settle()
    world.now += 29 * 60_000
    world.settle()
    assert.isUndefined(world.status?.attempts[0]?.stop)
    assert.notInclude(world.log, `Stop ${id}`)
    world.now += 2 * 60_000
    world.settle()
    assert.strictEqual(world.status?.reason, "Timeout")
  })

  it.each([
    ["build", "build_timeout", 30],
    ["test", "test_timeout", 15],
    ["publish", "publish_timeout", 15]
  ] as const)("Z24: the limit of a %s is enforced", (phase, _, minutes) => {
    const world = new World()
    world.record = valid({ test: { commands: ["true"] } })
    world.settle()
    for (const before of ["build", "test"] as const) {
      if (before === phase) break
      world.succeed(world.child(before))
      world.settle()
    }
    const id = world.child(phase)
    world.run(id)
    world.settle()
    assert.isAtMost(
      Option.getOrElse(world.last.again, () => Infinity),
      minutes * 60_000
    )
    world.now += minutes * 60_000 - 1
    world.settle()
    assert.notInclude(world.log, `Stop ${id}`)
    world.now += 1
    world.settle()
    assert.include(world.log, `Stop ${id}`)
    assert.strictEqual(world.status?.reason, "Timeout")
  })

  it("Z26: tests and publishing name the image by the digest of the build, never by a tag", () => {
    const { settings } = readSettings({}, {})
    const world = new World()
    world.record = valid(tested)
    world.settle()
    world.succeed(world.child("build"))
    world.settle()
    const specs = world.open().map((attempt) => specOf(world, attempt))
    assert.lengthOf(specs, 3)
    for (const spec of specs) assert.include(spec, `@${digest}"`)
    for (const { nomad_job_id: id } of world.open()) world.succeed(id)
    world.settle()
    const [publish] = world.open().map((attempt) => specOf(world, attempt))
    assert.include(publish, `"JOBFORGE_DIGEST":"${digest}"`)
    assert.match(publish ?? "", new RegExp(`"JOBFORGE_SOURCE":"[^"]*@${digest}"`))

    function specOf({ status }: World, attempt: NonNullable<World["status"]>["attempts"][number]): string {
      return status === undefined ? "" : JSON.stringify(specFor("zoo", settings, status, attempt))
    }
  })

  it.scopedLive("Z26: what is published is what was tested, even if the temporary tag moved meanwhile", () =>
    Effect.gen(function* () {
      const stage = yield* setStage
      yield* stage.serve()
      yield* stage.put("moved", record("moved", { test: { commands: ["true"] } }))
      const built = yield* stage.until("moved", ({ digest: known }) => known !== undefined)
      const other = `sha256:${"e".repeat(64)}`
      stage.registry.pushTemporary(`${built.temporary_image}-moved`, other)
      const status = yield* stage.ended("moved")
      assert.strictEqual(stage.registry.publications[0]?.digest, built.digest)
      assert.strictEqual(status.digest, built.digest)
      assert.strictEqual(stage.registry.testsPassed(built.digest ?? ""), 1)
    })
  )
})
