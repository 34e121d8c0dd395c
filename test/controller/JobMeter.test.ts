import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, TestClock } from "effect"
import { type JobMeter, makeJobMeter } from "../../src/controller/JobMeter.ts"
import type { Status } from "../../src/domain/Status.ts"
import { Exposition } from "../../src/metrics/Exposition.ts"
import { JobArchive } from "../../src/store/JobArchive.ts"
import { readSettings } from "../../src/store/Settings.ts"
import { parseExposition, valueOf } from "../metrics/parseExposition.ts"
import { tested, valid, World } from "../support/world.ts"

const settings = Effect.succeed(readSettings({}, {}).settings)

const noArchive = Layer.mock(JobArchive, { index: Effect.succeed([]) })

const here = Layer.merge(Exposition.layer({ owners: 5, process: false }), noArchive)

const read = Effect.flatMap(Exposition, ({ render }) => render("prometheus")).pipe(
  Effect.map((text) => parseExposition(text, "prometheus"))
)

const states = ["pending", "building", "testing", "publishing", "succeeded", "failed"]

/** How often the owner's jobs came to each of `states`. */
const counts = Effect.map(read, (found) =>
  states.map((status) =>
    (found.get("total_jobs")?.samples ?? [])
      .filter(({ labels }) => labels["status"] === status)
      .reduce((sum, { value }) => sum + value, 0)
  )
)

/** Every status of a run, in order, each phase taking a minute. */
const runOf = (change: (world: World) => void = () => {}): ReadonlyArray<Status> => {
  const world = new World()
  world.record = valid(tested)
  const seen: Array<Status> = []
  const settle = () => {
    for (let passes = 0; passes < 50; passes++) {
      const { actions, status } = world.pass()
      if (Option.isSome(status)) seen.push(status.value)
      else if (actions.length === 0) return
    }
    throw new Error("does not come to rest")
  }
  settle()
  for (let rounds = 0; rounds < 10 && world.open().length > 0; rounds++) {
    for (const { nomad_job_id: id } of world.open()) world.run(id)
    settle()
    world.now += 60_000
    change(world)
    settle()
    for (const { nomad_job_id: id } of world.open()) world.succeed(id)
    settle()
  }
  return seen
}

const failedTests = runOf((world) => {
  for (const { nomad_job_id: id, phase } of world.open()) {
    if (phase === "test") world.fail(id, 1)
  }
})

describe("JobMeter", () => {
  it.scoped("counts each transition once, however often its status is read or written", () =>
    Effect.gen(function* () {
      const meter = yield* makeJobMeter(settings)
      for (const status of runOf()) {
        meter.saw(status)
        meter.saw(status)
        meter.saw({ ...status, times: { ...status.times } })
      }
      assert.deepStrictEqual(yield* counts, [1, 1, 1, 1, 1, 0])
      const found = yield* read
      for (const phase of ["build", "test", "publish"]) {
        const name = `${phase}_duration_seconds`
        assert.strictEqual(valueOf(found, name, { status: "succeeded" }, `${name}_count`), 1, phase)
        assert.isAbove(valueOf(found, name, { status: "succeeded" }, `${name}_sum`) ?? 0, 0, phase)
      }
      assert.strictEqual(valueOf(found, "buildjob_queue_seconds", {}, "buildjob_queue_seconds_count"), 1)
    }).pipe(Effect.provide(here))
  )

  it.scoped("tells the phase that failed from the one before it", () =>
    Effect.gen(function* () {
      const meter = yield* makeJobMeter(settings)
      failedTests.forEach(meter.saw)
      const found = yield* read
      const ended = (phase: string, status: string) =>
        valueOf(found, `${phase}_duration_seconds`, { status }, `${phase}_duration_seconds_count`)
      assert.deepStrictEqual([ended("build", "succeeded"), ended("build", "failed")], [1, 0])
      assert.strictEqual(valueOf(found, "total_jobs", { status: "failed", phase: "test" }), 1)
      assert.strictEqual(valueOf(found, "total_jobs", { status: "succeeded" }), 0)
    }).pipe(Effect.provide(here))
  )

  it.scoped("counts what it missed with the next status that it reads", () =>
    Effect.gen(function* () {
      const meter = yield* makeJobMeter(settings)
      const run = runOf()
      // As after writes whose answers were lost: the first and the last of a job are what it gets to see.
      run.slice(0, 1).forEach(meter.saw)
      run.slice(-1).forEach(meter.saw)
      const found = yield* read
      assert.strictEqual(valueOf(found, "total_jobs", { status: "pending" }), 1)
      assert.strictEqual(valueOf(found, "total_jobs", { status: "succeeded" }), 1)
      const name = "publish_duration_seconds"
      assert.strictEqual(valueOf(found, name, { status: "succeeded" }, `${name}_count`), 1)
    }).pipe(Effect.provide(here))
  )

  it.scoped("counts a transition once in all, whoever leads when", () =>
    Effect.gen(function* () {
      const run = runOf()
      for (let handover = 0; handover <= run.length; handover++) {
        const [before, after] = [yield* makeJobMeter(settings), yield* makeJobMeter(settings)]
        run.slice(0, handover).forEach(before.saw)
        run.slice(0, handover).slice(-1).forEach(after.known)
        run.slice(handover).forEach(after.saw)
      }
      const times = run.length + 1
      assert.deepStrictEqual(yield* counts, [times, times, times, times, times, 0])
    }).pipe(Effect.provide(here))
  )

  it.scoped("counts the next run of a record, and not a job that only comes back from the archive", () =>
    Effect.gen(function* () {
      const meter = yield* makeJobMeter(settings)
      const run = runOf()
      run.forEach(meter.saw)
      meter.forget("app")
      const last = run.slice(-1)
      last.forEach(({ job_id }) => meter.comesBack(job_id ?? ""))
      last.forEach(meter.saw)
      assert.deepStrictEqual(yield* counts, [1, 1, 1, 1, 1, 0])
      run.forEach((status) => meter.saw({ ...status, job_id: "another", generation: 2 }))
      assert.deepStrictEqual(yield* counts, [2, 2, 2, 2, 2, 0])
    }).pipe(Effect.provide(here))
  )

  it.scoped("rates each run that has ended once, however often it is read, brought back, or ends again", () =>
    Effect.gen(function* () {
      const meter = yield* makeJobMeter(settings)
      // The archive was looked through: nothing is held any more that would tell the runs apart.
      yield* TestClock.adjust("1 second")
      const rated = Effect.map(read, (found) => valueOf(found, "job_success_rate", { window: "1h", owner: "all" }))
      const anew = (status: Status): Status => ({ ...status, times: { ...status.times } })
      for (const status of runOf()) {
        meter.saw(status)
        meter.saw(anew(status))
      }
      yield* TestClock.setTime(600_000)
      assert.strictEqual(yield* rated, 1)
      const failed = failedTests.map((status) => ({ ...status, name: "other", job_id: "other" }))
      failed.forEach(meter.saw)
      failed.slice(-1).map(anew).forEach(meter.saw)
      assert.strictEqual(yield* rated, 0.5)
      meter.forget("other")
      meter.comesBack("other")
      failed.slice(-1).map(anew).forEach(meter.saw)
      runOf().forEach((status) => meter.saw({ ...status, name: "other", job_id: "other" }))
      assert.strictEqual(yield* rated, 0.5)
    }).pipe(Effect.provide(here))
  )

  it.effect("shows what is under way while it leads, and nothing of it afterwards", () =>
    Effect.gen(function* () {
      const world = new World()
      yield* Effect.scoped(
        Effect.gen(function* () {
          const meter = yield* makeJobMeter(settings)
          world.settle()
          world.run(world.child("build"))
          world.settle()
          see(meter, world)
          yield* TestClock.setTime(world.now + 90_000)
          const during = yield* read
          assert.strictEqual(valueOf(during, "concurrent_jobs_total", {}), 1)
          assert.strictEqual(valueOf(during, "buildjob_oldest_unprogressed_seconds", {}), 90)
          const usage = during.get("resource_usage")?.samples ?? []
          assert.deepStrictEqual(
            usage.map(({ labels, value }) => [labels["resource_type"], labels["phase"], value]),
            [
              ["cpu", "build", 1000],
              ["memory", "build", 2048],
              ["disk", "build", 10_240]
            ]
          )
          world.succeed(world.child("build"))
          world.settle()
          see(meter, world)
          assert.isEmpty((yield* read).get("resource_usage")?.samples ?? [])
        })
      )
      const after = yield* read
      assert.strictEqual(valueOf(after, "concurrent_jobs_total", {}), 0)
      assert.strictEqual(valueOf(after, "buildjob_oldest_unprogressed_seconds", {}), 0)
      assert.isEmpty(after.get("job_success_rate")?.samples ?? [])
    }).pipe(Effect.provide(here))
  )

  it.scoped("has a rate from the archive and the statuses of the day, without what somebody cancelled", () =>
    Effect.gen(function* () {
      const now = 48 * 3_600_000
      yield* TestClock.setTime(now)
      const [last] = runOf().slice(-1)
      if (last === undefined) return assert.fail("no run")
      const ended = (id: string, minutesAgo: number, more: Partial<Status> = {}): Status => ({
        ...last,
        name: id,
        job_id: id,
        times: { job_start: 0, job_end: now - minutesAgo * 60_000 },
        ...more
      })
      const failed = { status: "FAILED", reason: "BuildFailed" } as const
      const archived = [ended("a", 30), ended("b", 90, failed), ended("c", 25 * 60, failed)]
      const archive = Layer.mock(JobArchive, {
        index: Effect.succeed(
          archived.map(({ name, times }) => ({
            key: name,
            name,
            jobId: name,
            startedAt: 0,
            endedAt: times.job_end ?? 0
          }))
        ),
        get: (name) =>
          Effect.succeed(
            Option.map(Option.fromNullable(archived.find((status) => status.name === name)), (status) => ({
              name,
              archived_at: now,
              status
            }))
          )
      })
      const meter = yield* Effect.provide(makeJobMeter(settings), archive)
      const empty = yield* read
      assert.isNaN(valueOf(empty, "job_success_rate", { window: "1h", owner: "all" }))
      yield* TestClock.adjust("1 second")
      const other = { config: { ...(last.config ?? assert.fail("no config")), owner: "you" } }
      const cancelled = { status: "FAILED", reason: "Cancelled" } as const
      ;[ended("d", 10, failed), ended("e", 5, cancelled), ended("f", 600, other)].forEach(meter.known)
      meter.comesBack("a")
      meter.saw(ended("a", 30))
      const found = yield* read
      const rate = (window: string, owner: string) => valueOf(found, "job_success_rate", { window, owner })
      assert.strictEqual(rate("1h", "all"), 1 / 2)
      assert.strictEqual(rate("24h", "all"), 2 / 4)
      assert.strictEqual(rate("24h", "me"), 1 / 3)
      assert.strictEqual(rate("24h", "you"), 1)
      assert.isUndefined(rate("1h", "you"))
    }).pipe(Effect.provide(here))
  )
})

const see = (meter: JobMeter, world: World) => {
  if (world.status !== undefined) meter.saw(world.status)
}
