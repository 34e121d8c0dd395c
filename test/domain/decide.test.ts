import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import { ChildState } from "../../src/domain/ChildState.ts"
import { decide } from "../../src/domain/decide.ts"
import { RecordView } from "../../src/domain/Snapshot.ts"
import { archived, digest, placed, policy, reported, tested, valid, World } from "../support/world.ts"

const started = (record: RecordView = valid()): World => {
  const world = new World()
  world.record = record
  world.settle()
  return world
}

const building = (record: RecordView = valid()): World => {
  const world = started(record)
  world.run(world.child("build"))
  world.settle()
  return world
}

const testing = (): World => {
  const world = building(valid(tested))
  world.succeed(world.child("build"))
  world.settle()
  return world
}

const publishing = (): World => {
  const world = testing()
  for (const { nomad_job_id: id } of world.open()) world.succeed(id)
  world.settle()
  return world
}

/** How the run's first attempt went wrong. */
const failure = ({ status }: World) => {
  const outcome = status?.attempts[0]?.outcome
  return outcome === undefined || outcome.result === "succeeded" ? undefined : outcome
}

describe("a run from its record to its image", () => {
  it("announces the build before it registers it", () => {
    const world = new World()
    const first = world.pass()
    assert.isTrue(Option.isSome(first.status))
    assert.strictEqual(world.status?.status, "PENDING")
    assert.deepStrictEqual(world.log, [`Register build-${world.status?.job_id}-1`])
  })

  it("publishes from the build step when there are no tests", () => {
    const world = building()
    assert.strictEqual(world.status?.status, "BUILDING")
    assert.strictEqual(world.status?.phase, "build")
    world.succeed(world.child("build"))
    world.settle()
    assert.strictEqual(world.status?.status, "SUCCEEDED")
    assert.strictEqual(world.status?.digest, digest)
    assert.strictEqual(world.status?.commit, "c".repeat(40))
    assert.isUndefined(world.status?.temporary_image)
    assert.isUndefined(world.status?.times.test_start)
    assert.lengthOf(world.log, 1)
  })

  it("runs all tests side by side, then publishes, then cleans up", () => {
    const world = testing()
    const id = world.status?.job_id
    assert.strictEqual(world.status?.status, "TESTING")
    assert.deepStrictEqual(world.log.slice(1), [
      `Register test-cmd-${id}-0-1`,
      `Register test-cmd-${id}-1-1`,
      `Register test-entry-${id}-1`
    ])
    for (const { nomad_job_id: child } of world.open()) world.succeed(child)
    world.settle()
    assert.strictEqual(world.status?.status, "PUBLISHING")
    world.succeed(world.child("publish"))
    world.settle()
    assert.strictEqual(world.status?.status, "SUCCEEDED")
    world.succeed(world.child("cleanup"))
    world.settle()
    assert.lengthOf(world.open(), 0)
    assert.isNumber(world.status?.times.publish_end)
    assert.deepStrictEqual(
      world.status?.conditions.map(({ type, status }) => [type, status]),
      [
        ["Valid", "True"],
        ["Reconciling", "False"],
        ["Succeeded", "True"]
      ]
    )
  })

  it("does nothing more once it is at rest", () => {
    const world = building()
    world.succeed(world.child("build"))
    world.settle()
    const before = world.status
    world.now += 3_600_000
    const { status, actions, again } = world.pass()
    assert.isTrue(Option.isNone(status) && actions.length === 0 && Option.isNone(again))
    assert.strictEqual(world.status, before)
  })

  it("repeats a record without its webhook's secrets", () => {
    const world = started(
      valid({ webhook_url: "https://h.example.com", webhook_secret: "s3cret", webhook_headers: { "X-Key": "s3cret" } })
    )
    assert.strictEqual(world.status?.config?.webhook_url, "https://h.example.com")
    assert.notInclude(JSON.stringify(world.status), "s3cret")
  })

  it("takes the key as the job id of a record that is named by a UUID", () => {
    const world = new World()
    const name = "550e8400-e29b-41d4-a716-446655440000"
    const { status } = decide({ ...world.snapshot(new Map()), name })
    assert.strictEqual(Option.getOrThrow(status).job_id, name)
  })

  it("makes temporary images at the job's own registry when the operator names none", () => {
    const world = new World()
    world.record = valid(tested)
    world.policy = { ...policy, registryBase: "" }
    world.settle()
    assert.strictEqual(world.status?.temporary_image, `registry.example.com:5000/temp/${world.status?.job_id}:latest`)
  })
})

describe("a failure of the user's own", () => {
  it("ends the job with exit code, reason and last lines", () => {
    const world = building()
    const failure = Option.some({
      reason: "DockerfileMissing" as const,
      message: "no such Dockerfile",
      transient: false
    })
    world.fail(world.child("build"), 87, { report: { ...archived, failure } })
    world.settle()
    assert.strictEqual(world.status?.status, "FAILED")
    assert.strictEqual(world.status?.failed_phase, "build")
    assert.strictEqual(world.status?.reason, "DockerfileMissing")
    assert.strictEqual(world.status?.exit_code, 87)
    assert.deepStrictEqual(world.status?.log_tail, ["[main/stderr] the end"])
    assert.strictEqual(world.status?.error, "Build phase failed: no such Dockerfile")
  })

  it("is told without a report of the step", () => {
    const world = building()
    world.fail(world.child("build"), 3, { report: { ...archived, tail: [] } })
    world.settle()
    assert.strictEqual(world.status?.reason, "CommandFailed")
    assert.isUndefined(world.status?.log_tail)
  })

  it.each([137, 143])("tries again what a signal from outside ended with exit code %i", (exitCode) => {
    const world = building()
    world.fail(world.child("build"), exitCode)
    world.settle()
    assert.strictEqual(world.status?.status, "BUILDING")
    assert.deepInclude(world.status?.attempts[0]?.outcome, {
      reason: "CommandFailed",
      infrastructure: true,
      exit_code: exitCode
    })
  })

  it("takes a test at its word that ends as if by a signal", () => {
    const world = testing()
    for (const { nomad_job_id: id } of world.open()) world.fail(id, 137)
    world.settle()
    assert.strictEqual(world.status?.reason, "TestFailed")
    const ended = world.status?.attempts.find(({ phase }) => phase === "test")?.outcome
    assert.deepInclude(ended, { reason: "TestFailed", infrastructure: false })
  })

  it("names the memory limit when it was that", () => {
    const world = building()
    world.fail(world.child("build"), 137, { oomKilled: true })
    world.settle()
    assert.strictEqual(world.status?.reason, "OutOfMemory")
  })

  it("waits for the other tests, publishes nothing and cleans up", () => {
    const world = testing()
    const [first, second, third] = world.open().map(({ nomad_job_id: id }) => id)
    world.fail(second ?? "", 1)
    world.run(first ?? "")
    world.settle()
    assert.strictEqual(world.status?.status, "TESTING")
    world.succeed(first ?? "")
    world.succeed(third ?? "")
    world.settle()
    assert.strictEqual(world.status?.status, "FAILED")
    assert.strictEqual(world.status?.reason, "TestFailed")
    assert.include(world.status?.error ?? "", "command 1")
    assert.isFalse(world.log.some((line) => line.startsWith("Register publish")))
    assert.isTrue(world.log.some((line) => line.startsWith("Register cleanup")))
  })

  it("names the entry point when that failed", () => {
    const world = testing()
    for (const { nomad_job_id: id } of world.open()) {
      if (id.startsWith("test-entry")) world.fail(id, 2)
      else world.succeed(id)
    }
    world.settle()
    assert.include(world.status?.error ?? "", "entry point")
  })
})

describe("a failure of the infrastructure", () => {
  const reasons = [
    ["driver", "DriverFailure", true],
    ["other", "DriverFailure", true],
    ["image-not-found", "ImageNotFound", true],
    ["registry-unavailable", "RegistryUnreachable", true],
    ["template", "SecretUnavailable", true],
    ["authentication", "RegistryAuthRefused", false],
    ["validation", "JobRejected", false]
  ] as const

  it.each(reasons)("that is %s counts as %s", (reason, expected, retried) => {
    const world = started()
    const id = world.child("build")
    world.children.set(
      id,
      ChildState.NeverStarted({ ...placed(id), reason, message: "so it was", finishedAt: world.now })
    )
    world.settle()
    assert.strictEqual(failure(world)?.reason, expected)
    assert.strictEqual(world.status?.status === "FAILED", !retried)
  })

  it("is tried again after a pause, and ends the job after the last attempt", () => {
    const world = building()
    for (const attempt of [1, 2, 3]) {
      const id = world.child("build")
      assert.isTrue(id.endsWith(`-${attempt}`))
      world.children.set(id, ChildState.Lost({ ...placed(id), message: "node is gone" }))
      world.settle()
      assert.include(world.log, `Stop ${id}`)
      if (attempt < 3) {
        const due = Option.getOrThrow(world.last.again)
        assert.isAtLeast(due, policy.retryBackoff)
        world.now += due
        world.settle()
      }
    }
    assert.strictEqual(world.status?.status, "FAILED")
    assert.strictEqual(world.status?.reason, "ChildLost")
    assert.lengthOf(world.status?.attempts ?? [], 3)
  })

  it("retries only the test that failed", () => {
    const world = testing()
    const ids = world.open().map(({ nomad_job_id: id }) => id)
    for (const id of ids) world.succeed(id)
    for (const id of [ids[0] ?? "", ids[2] ?? ""]) {
      world.children.set(
        id,
        ChildState.NeverStarted({ ...placed(id), reason: "driver", message: "", finishedAt: world.now })
      )
    }
    world.settle()
    world.now += 60_000
    world.settle()
    assert.deepStrictEqual(
      world.open().map(({ nomad_job_id: id }) => id),
      [ids[0]?.replace(/1$/, "2"), ids[2]?.replace(/1$/, "2")]
    )
  })

  it.each([
    ["vanished before it was seen to run", true, ChildState.Absent()],
    ["was stopped while nobody could see it", true, ChildState.Stopping({ allocationId: "a" })],
    ["Nomad knew nothing of when it was to be stopped", false, ChildState.Absent()]
  ])("cleans up after a build that %s", (_, seen, last) => {
    const world = new World()
    world.record = valid(tested)
    world.pass()
    const id = world.child("build")
    if (seen) world.children.set(id, ChildState.Starting({ ...placed(id), waiting: Option.none() }))
    if (seen) world.settle()
    world.record = valid({ ...tested, state: "cancelled" })
    world.pass()
    world.children.set(id, last)
    world.pass()
    world.now += policy.stopGrace
    world.settle()
    assert.strictEqual(world.status?.reason, "Cancelled")
    assert.isTrue(world.log.some((line) => line.startsWith("Register cleanup")))
  })

  it("doesn't clean up after a build that never found a place", () => {
    const world = started(valid(tested))
    const id = world.child("build")
    world.record = valid({ ...tested, state: "cancelled" })
    world.pass()
    world.children.set(id, ChildState.Stopped({ allocationId: Option.none(), finishedAt: Option.none() }))
    world.settle()
    assert.strictEqual(world.status?.reason, "Cancelled")
    assert.isFalse(world.log.some((line) => line.startsWith("Register cleanup")))
  })

  it("includes a publish step whose child vanished", () => {
    const world = publishing()
    world.run(world.child("publish"))
    world.settle()
    world.children.set(world.child("publish"), ChildState.Absent())
    world.settle()
    world.now += 60_000
    world.settle()
    assert.isTrue(world.child("publish").endsWith("-2"))
  })

  it("includes a child that somebody stopped, and whose node never tells that it has ended", () => {
    const world = building()
    world.children.set(world.child("build"), ChildState.Stopping({ allocationId: "a" }))
    world.settle()
    world.now += policy.stopGrace - 1
    world.settle()
    assert.strictEqual(failure(world), undefined)
    world.now += 1
    world.settle()
    assert.deepInclude(failure(world), { reason: "ChildStopped", logs: "unavailable", infrastructure: true })
    world.now += 60_000
    world.settle()
    assert.isTrue(world.child("build").endsWith("-2"))
  })

  it("includes a child that somebody stopped in Nomad", () => {
    const world = building()
    const id = world.child("build")
    world.children.set(id, ChildState.Stopped({ allocationId: Option.some("a"), finishedAt: Option.none() }))
    world.settle()
    assert.strictEqual(failure(world)?.reason, "ChildStopped")
  })

  it("includes a step that ended well without its result", () => {
    const world = building()
    world.succeed(world.child("build"), archived)
    world.settle()
    assert.strictEqual(failure(world)?.reason, "ResultMissing")
    assert.strictEqual(world.status?.status, "BUILDING")
  })

  it("is believed when the step itself says so", () => {
    const world = building()
    const report = Option.some({ reason: "PushFailed" as const, message: "the registry", transient: true })
    world.fail(world.child("build"), 93, { report: { ...archived, failure: report } })
    world.settle()
    assert.isTrue(failure(world)?.infrastructure)
  })

  it("tries to clean up again, and gives up without changing how the run ended", () => {
    const world = testing()
    for (const { nomad_job_id: id } of world.open()) world.fail(id, 1)
    world.settle()
    for (const attempt of [1, 2, 3]) {
      const id = world.child("cleanup")
      assert.isTrue(id.endsWith(`-${attempt}`))
      world.run(id)
      world.settle()
      world.fail(id, 97)
      world.settle()
      world.now += 3_600_000
      world.settle()
    }
    assert.lengthOf(world.open(), 0)
    assert.strictEqual(world.status?.reason, "TestFailed")
  })

  it("does not retry a run that is to end", () => {
    const world = building()
    const id = world.child("build")
    world.children.set(
      id,
      ChildState.NeverStarted({ ...placed(id), reason: "driver", message: "", finishedAt: world.now })
    )
    world.settle()
    world.record = valid({ state: "cancelled" })
    world.settle()
    assert.strictEqual(world.status?.reason, "Cancelled")
  })
})

describe("what Nomad forgets or refuses", () => {
  it("registers again what was announced and never seen", () => {
    const world = started()
    const id = world.child("build")
    world.children.delete(id)
    world.pass()
    assert.deepStrictEqual(world.log, [`Register ${id}`, `Register ${id}`])
  })

  it("does not take a vanished child for a finished one", () => {
    const world = building()
    const id = world.child("build")
    world.children.delete(id)
    world.settle()
    assert.strictEqual(failure(world)?.reason, "ChildLost")
    assert.strictEqual(world.status?.status, "BUILDING")
  })

  it.each(["succeed", "fail"] as const)("takes a child that is seen to %s and then forgotten for a lost one", (how) => {
    const world = new World()
    world.settle()
    const id = world.child("build")
    const forgotten = { ...reported, logs: "none" as const, logBytes: 0, tail: [] }
    if (how === "succeed") world.succeed(id, forgotten)
    else world.fail(id, 1, { report: forgotten })
    world.settle()
    const [lost] = world.status?.attempts ?? []
    assert.strictEqual(lost?.outcome?.result === "failed" ? lost.outcome.reason : "", "ChildLost")
    world.now += 60_000
    world.settle()
    assert.strictEqual(world.open()[0]?.attempt, 2)
  })

  it("looks again for a child that was registered and isn't shown", () => {
    const world = new World()
    world.pass()
    world.children.clear()
    world.pass()
    assert.isBelow(
      Option.getOrElse(world.last.again, () => Infinity),
      10_000
    )
  })

  it("ends the job with Nomad's words when it refuses the specification", () => {
    const world = started()
    world.rejected.set(world.child("build"), "Task main validation failed")
    world.settle()
    assert.strictEqual(world.status?.reason, "JobRejected")
    assert.include(world.status?.error ?? "", "Task main validation failed")
  })

  it("judges nothing that it did not look at", () => {
    const world = building()
    const before = world.status
    const { status, actions } = decide({ ...world.snapshot(new Map()), children: new Map() })
    assert.isTrue(Option.isNone(status) && actions.length === 0)
    assert.strictEqual(world.status, before)
  })
})

describe("limits", () => {
  it("stops a build that runs too long and says so", () => {
    const world = building(valid({ build_timeout: "10m" }))
    assert.strictEqual(Option.getOrThrow(world.last.again), 600_000)
    world.now += 600_000
    const id = world.child("build")
    world.pass()
    assert.include(world.log, `Stop ${id}`)
    world.fail(id, 143)
    world.settle()
    assert.strictEqual(world.status?.reason, "Timeout")
    assert.strictEqual(world.status?.exit_code, 143)
  })

  it("stops a test that runs too long", () => {
    const world = building(valid({ test: { entry_point: true, timeout: "1m" } }))
    world.succeed(world.child("build"))
    world.settle()
    const id = world.child("test")
    world.run(id)
    world.settle()
    world.now += 60_000
    world.settle()
    assert.strictEqual(world.status?.reason, "Timeout")
    assert.strictEqual(world.status?.failed_phase, "test")
  })

  it("lets a child that finished in time succeed, though it was being stopped", () => {
    const world = building()
    const id = world.child("build")
    world.now += 30 * 60_000
    world.pass()
    world.succeed(id)
    world.settle()
    assert.strictEqual(world.status?.status, "SUCCEEDED")
  })

  it("waits for a child that is being stopped", () => {
    const world = building()
    const id = world.child("build")
    world.now += 30 * 60_000
    world.pass()
    world.children.set(id, ChildState.Stopping({ allocationId: "a" }))
    world.settle()
    assert.strictEqual(world.status?.status, "BUILDING")
  })

  it("gives a child its time to stop from when Nomad knows, however long nobody led before", () => {
    const world = building()
    const id = world.child("build")
    world.record = valid({ state: "cancelled" })
    world.pass()
    // The leader died between the wish and its telling Nomad.
    world.run(id)
    world.now += 10 * policy.stopGrace
    world.children.set(id, ChildState.Stopping({ allocationId: "a" }))
    world.settle()
    world.now += policy.stopGrace - 1
    world.settle()
    assert.strictEqual(world.status?.status, "BUILDING")
    world.now += 1
    world.settle()
    assert.strictEqual(world.status?.reason, "Cancelled")
  })

  it("does not count the time in Nomad's queue as run time", () => {
    const world = started(valid({ build_timeout: "1m" }))
    world.now += 120_000
    world.settle()
    world.run(world.child("build"))
    world.settle()
    assert.strictEqual(Option.getOrThrow(world.last.again), 60_000)
    assert.strictEqual(world.status?.status, "BUILDING")
  })

  it("ends a job that waited too long in the queue", () => {
    const world = started()
    world.now += policy.queueTimeout
    world.settle()
    assert.strictEqual(world.status?.reason, "QueueTimeout")
  })

  it("shows Nomad's words on a job that can't be placed, and ends it after the grace time", () => {
    const world = started()
    const id = world.child("build")
    const words = "Constraint ${attr.kernel.name} = plan9 filtered 1 node"
    world.children.set(id, ChildState.Queued({ unplaced: Option.some(words) }))
    world.settle()
    assert.strictEqual(world.status?.attempts[0]?.waiting, words)
    assert.include(world.status?.conditions.map(({ message }) => message) ?? [], words)
    world.now += policy.unplacedGrace
    world.settle()
    assert.strictEqual(world.status?.reason, "Unplaceable")
    assert.include(world.status?.error ?? "", "plan9")
  })

  it("keeps no more of Nomad's words than a status has room for", () => {
    const world = started()
    world.children.set(world.child("build"), ChildState.Queued({ unplaced: Option.some("w".repeat(1000)) }))
    world.settle()
    assert.strictEqual(world.status?.attempts[0]?.waiting, `${"w".repeat(399)}…`)
  })

  it("forgets the reason once the child is placed, and starts counting anew", () => {
    const world = started()
    const id = world.child("build")
    world.children.set(id, ChildState.Queued({ unplaced: Option.some("no memory") }))
    world.settle()
    world.now += policy.unplacedGrace - 1
    world.children.set(id, ChildState.Starting({ ...placed(id), waiting: Option.none() }))
    world.settle()
    assert.isUndefined(world.status?.attempts[0]?.waiting)
    assert.strictEqual(world.status?.status, "BUILDING")
  })

  it("ends a job whose secret never comes within a minute, with the path", () => {
    const world = started()
    const id = world.child("build")
    world.children.set(
      id,
      ChildState.Starting({ ...placed(id), waiting: Option.some("Missing: vault.read(secret/data/x)") })
    )
    world.settle()
    world.now += 59_000
    world.settle()
    assert.strictEqual(world.status?.reason, "SecretUnavailable")
    assert.include(world.status?.error ?? "", "secret/data/x")
  })
})

describe("logs", () => {
  it("hold a phase back for a minute when they can't be reached", () => {
    const world = building()
    world.succeed(world.child("build"), { ...reported, logs: "unreachable" })
    world.settle()
    assert.strictEqual(world.status?.status, "BUILDING")
    assert.strictEqual(Option.getOrThrow(world.last.again), 5000)
    world.now += policy.logsGrace
    world.settle()
    assert.strictEqual(world.status?.status, "SUCCEEDED")
    assert.strictEqual(world.status?.attempts[0]?.outcome?.logs, "unavailable")
  })

  it("come with what the step says that it has used", () => {
    const usage = { cpu: 900, memory: 512, disk: 40 }
    const world = building()
    world.succeed(world.child("build"), { ...reported, usage })
    world.settle()
    assert.deepStrictEqual(world.status?.attempts[0]?.outcome?.usage, usage)
  })

  it("are tried a second time of what ended long before anybody looked", () => {
    const world = building()
    world.succeed(world.child("build"), { ...reported, logs: "unreachable" })
    world.now += 2 * policy.logsGrace
    world.pass()
    assert.strictEqual(world.status?.status, "BUILDING")
    world.succeed(world.child("build"), reported)
    world.settle()
    assert.strictEqual(world.status?.attempts[0]?.outcome?.logs, "archived")
  })
})

describe("what somebody wants otherwise", () => {
  it("stops the children of a cancelled record and ends as killed by the user", () => {
    const world = building()
    const id = world.child("build")
    world.record = valid({ state: "cancelled" })
    world.settle()
    assert.include(world.log, `Stop ${id}`)
    assert.strictEqual(world.status?.status, "FAILED")
    assert.strictEqual(world.status?.reason, "Cancelled")
    assert.strictEqual(world.status?.error, "Job killed by user")
  })

  it("never undoes a kill by a late observation", () => {
    const world = building()
    const id = world.child("build")
    world.record = valid({ state: "cancelled" })
    world.settle()
    world.run(id)
    world.record = valid()
    world.settle()
    assert.strictEqual(world.status?.reason, "Cancelled")
  })

  it("starts nothing for a record that was born cancelled", () => {
    const world = started(valid({ state: "cancelled" }))
    assert.strictEqual(world.status?.reason, "Cancelled")
    assert.lengthOf(world.log, 0)
  })

  it("doesn't take a child for ended whose job is stopped and whose allocation Nomad doesn't show just now", () => {
    const world = building()
    const id = world.child("build")
    world.record = valid({ state: "cancelled" })
    world.pass()
    world.children.set(id, ChildState.Stopped({ allocationId: Option.none(), finishedAt: Option.none() }))
    world.settle()
    assert.strictEqual(world.status?.status, "BUILDING")
    world.now += policy.stopGrace
    world.settle()
    assert.strictEqual(world.status?.reason, "Cancelled")
  })

  it("looks again at a child that somebody else stopped, until its allocation shows that it ended", () => {
    const world = building()
    const id = world.child("build")
    world.children.set(id, ChildState.Stopped({ allocationId: Option.none(), finishedAt: Option.none() }))
    world.settle()
    assert.isTrue(Option.isSome(world.last.again))
    assert.lengthOf(world.open(), 1)
    world.children.set(id, ChildState.Stopped({ allocationId: Option.some("a"), finishedAt: Option.none() }))
    world.settle()
    assert.strictEqual(failure(world)?.reason, "ChildStopped")
  })

  it("closes a child that was never registered without asking Nomad for more", () => {
    const world = new World()
    world.pass()
    world.children.clear()
    world.record = valid({ state: "cancelled" })
    world.settle()
    assert.strictEqual(world.status?.reason, "Cancelled")
    assert.lengthOf(world.log, 1)
  })

  it.each(["NeverStarted", "Lost", "CommandFailed"] as const)(
    "bears a child that ends as %s while it is stopped",
    (tag) => {
      const world = building()
      const id = world.child("build")
      world.record = valid({ state: "cancelled" })
      world.pass()
      if (tag === "CommandFailed") world.fail(id, 143)
      if (tag === "Lost") world.children.set(id, ChildState.Lost({ ...placed(id), message: "" }))
      if (tag === "NeverStarted") {
        world.children.set(
          id,
          ChildState.NeverStarted({ ...placed(id), reason: "driver", message: "", finishedAt: world.now })
        )
      }
      world.settle()
      assert.strictEqual(world.status?.reason, "Cancelled")
    }
  )

  it("lets a publish that is done stay done", () => {
    const world = publishing()
    const id = world.child("publish")
    world.run(id)
    world.settle()
    world.record = valid({ ...tested, state: "cancelled" })
    world.pass()
    world.succeed(id)
    world.settle()
    assert.strictEqual(world.status?.status, "SUCCEEDED")
  })

  it("does not test what was cancelled while its build finished", () => {
    const world = building(valid(tested))
    const id = world.child("build")
    world.record = valid({ ...tested, state: "cancelled" })
    world.pass()
    world.succeed(id)
    world.settle()
    assert.strictEqual(world.status?.reason, "Cancelled")
    assert.isTrue(world.log.some((line) => line.startsWith("Register cleanup")))
    assert.isFalse(world.log.some((line) => line.startsWith("Register test")))
  })

  it("supersedes the run of a record that changed, once its children have stopped", () => {
    const world = building()
    const old = world.status?.job_id
    world.record = valid({ git_ref: "other" })
    world.settle()
    assert.strictEqual(world.status?.generation, 2)
    assert.notStrictEqual(world.status?.job_id, old)
    assert.deepStrictEqual(world.log, [
      `Register build-${old}-1`,
      `Stop build-${old}-1`,
      `Register build-${world.status?.job_id}-1`
    ])
    assert.include(world.status?.events.map(({ reason }) => reason) ?? [], "Superseded")
  })

  it("ends a run whose record was deleted, and keeps counting when it comes back", () => {
    const world = building()
    world.record = RecordView.Absent()
    world.settle()
    assert.strictEqual(world.status?.reason, "Deleted")
    assert.strictEqual(world.status?.hash, "")
    world.record = valid()
    world.settle()
    assert.strictEqual(world.status?.generation, 2)
    assert.strictEqual(world.status?.status, "PENDING")
  })

  it("has nothing to say about a name without record and status", () => {
    const world = new World()
    world.record = RecordView.Absent()
    assert.isTrue(Option.isNone(world.pass().status))
  })
})

describe("a record that names what its owner may not have", () => {
  it("is refused before anything runs, with the field", () => {
    const world = new World()
    world.policy = { ...policy, vaultPaths: ["secret/{owner}"] }
    world.record = valid({ git_credentials_path: "secret/others/git" })
    world.settle()
    assert.deepInclude(world.status, { status: "FAILED", reason: "InvalidSpec" })
    assert.include(world.status?.error, "git_credentials_path")
    assert.lengthOf(world.log, 0)
  })
})

describe("a record that can't be read", () => {
  const invalid = (message: string) =>
    RecordView.Invalid({ reason: "InvalidSpec", errors: [{ path: "owner", message }] })

  it("gets a status that names its faults", () => {
    const world = started(invalid("owner is required"))
    assert.strictEqual(world.status?.status, "FAILED")
    assert.strictEqual(world.status?.reason, "InvalidSpec")
    assert.deepStrictEqual(world.status?.errors, [{ path: "owner", message: "owner is required" }])
    assert.lengthOf(world.log, 0)
  })

  it("is built as soon as it is mended", () => {
    const world = started(invalid("owner is required"))
    world.record = invalid("owner must be a text")
    world.settle()
    assert.strictEqual(world.status?.error, "owner must be a text")
    world.record = valid()
    world.settle()
    assert.isUndefined(world.status?.errors)
    assert.strictEqual(world.status?.status, "PENDING")
    assert.strictEqual(world.status?.generation, 3)
  })

  it("does not stop the run that is under way", () => {
    const world = building()
    world.record = invalid("owner is required")
    world.settle()
    assert.strictEqual(world.status?.status, "BUILDING")
    assert.strictEqual(world.status?.conditions.find(({ type }) => type === "Valid")?.status, "False")
  })
})
