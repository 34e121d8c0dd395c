import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Option } from "effect"
import { NotFound } from "../../src/http/ApiError.ts"
import { register } from "../../src/controller/register.ts"
import { buildSpec } from "../../src/jobspec/buildSpec.ts"
import { Nomad } from "../../src/nomad/Nomad.ts"
import { makeRedactor } from "../../src/redaction/Redactor.ts"
import { Redaction } from "../../src/store/Redaction.ts"
import { readSettings } from "../../src/store/Settings.ts"
import { phaseInput } from "../jobspec/phaseInputs.ts"
import { eventually } from "../support/eventually.ts"
import { desired, tested, valid, World } from "../support/world.ts"
import { record, setStage, type Stage, withTests } from "./support/Stage.ts"

const { settings } = readSettings({ NOMAD_DATACENTERS: "dc1", VAULT_ENABLED: "false" }, {})

/** A status whose build is announced and not registered, and its only attempt. */
const announced = () => {
  const world = new World()
  world.pass()
  const { status } = world
  const [attempt] = status?.attempts ?? []
  if (status === undefined || attempt === undefined) throw new Error("nothing was announced")
  return { status, attempt }
}

const registering = (stage: Stage, installation = "zoo") => {
  const { status, attempt } = announced()
  return register(installation, settings, status, attempt).pipe(
    Effect.provideService(Nomad, stage.nomad),
    Effect.provideService(Redaction, { own: makeRedactor([]), of: () => Effect.dieMessage("nothing is shown") })
  )
}

const allocationsOf = (stage: Stage, id: string) => Effect.map(stage.nomad.allocations(id), (found) => found.length)

describe("children", () => {
  it.scopedLive("Z1: a stale view of Nomad registers the same child again, never a second one", () =>
    Effect.gen(function* () {
      const world = new World()
      world.record = valid(tested)
      world.pass()
      const id = world.child("build")
      // Registered long ago, but the list that is read doesn't show it yet.
      world.children.clear()
      world.pass()
      world.children.clear()
      world.pass()
      assert.deepStrictEqual(new Set(world.log), new Set([`Register ${id}`]))
      assert.lengthOf(world.status?.attempts ?? [], 1)

      const stage = yield* setStage
      const blind = (nomad: Nomad["Type"]): Nomad["Type"] => {
        let looks = 0
        // The first looks at each child find nothing, as a follower that lags behind.
        const stale = <A>(fresh: Effect.Effect<A>, empty: A) =>
          Effect.suspend(() => (looks++ < 9 ? Effect.succeed(empty) : fresh))
        return {
          ...nomad,
          job: (name) => stale(Effect.orDie(nomad.job(name)), Option.none()),
          allocations: (name) => stale(Effect.orDie(nomad.allocations(name)), [])
        }
      }
      yield* stage.serve({ nomad: blind })
      yield* stage.put("stale", record("stale", withTests))
      const status = yield* stage.ended("stale")
      assert.strictEqual(status.status, "SUCCEEDED", status.error)
      for (const { nomad_job_id: child } of status.attempts) {
        assert.strictEqual(yield* allocationsOf(stage, child), 1, child)
      }
      assert.deepStrictEqual(stage.registry.violations, [])
      assert.lengthOf(stage.registry.publications, 1)
    })
  )

  it("Z2: labels that a user changes make no child and lose none", () => {
    const world = new World()
    world.record = valid({ ...tested, labels: { team: "a" } })
    world.settle()
    const id = world.child("build")
    world.run(id)
    world.settle()
    const { log } = world
    const before = [...log]
    for (const labels of [{ team: "b" }, {}, { team: "a", other: "x" }]) {
      world.record = valid({ ...tested, labels })
      world.settle()
    }
    assert.deepStrictEqual(world.log, before)
    assert.strictEqual(world.child("build"), id)
    assert.strictEqual(world.status?.generation, 1)
    assert.strictEqual(desired({ labels: { team: "a" } }).hash, desired({ labels: { team: "b" } }).hash)
  })

  it.scopedLive("Z3: a child that exists already is a success if it is ours, and a refusal if it is not", () =>
    Effect.gen(function* () {
      const stage = yield* setStage
      yield* registering(stage)
      yield* registering(stage)
      const refused = yield* Effect.flip(registering(stage, "another installation"))
      assert.strictEqual(refused._tag, "Invalid")
      assert.strictEqual(yield* allocationsOf(stage, announced().attempt.nomad_job_id), 1)
    })
  )

  it.scopedLive("Z14: a create-only check that isn't atomic makes no second allocation", () =>
    Effect.gen(function* () {
      const stage = yield* setStage
      // As Nomad before 1.10.11: of several at once, each may be told that it was the first.
      const unchecked = {
        ...stage,
        nomad: { ...stage.nomad, register: (job: { readonly ID: string }) => stage.nomad.register(job) }
      }
      yield* Effect.all(
        [1, 2, 3, 4].map(() => registering(unchecked)),
        { concurrency: "unbounded" }
      )
      const id = announced().attempt.nomad_job_id
      assert.strictEqual(yield* allocationsOf(stage, id), 1)
      assert.deepStrictEqual(stage.registry.violations, [])
    })
  )

  it.scopedLive("Z15: logs that Nomad has forgotten or fails to give do not hold a phase back for ever", () =>
    Effect.gen(function* () {
      const stage = yield* setStage
      let forgotten = ""
      const forgetful = (nomad: Nomad["Type"]): Nomad["Type"] => ({
        ...nomad,
        logs: (id, task, stream, options) =>
          Effect.suspend(() => {
            // All that the first one to be asked for ever wrote is gone, for ever.
            forgotten = forgotten === "" ? id : forgotten
            const gone = new NotFound({ system: "nomad", operation: "logs", detail: `unknown allocation "${id}"` })
            return id === forgotten ? Effect.fail(gone) : nomad.logs(id, task, stream, options)
          })
      })
      yield* stage.serve({ nomad: forgetful })
      yield* stage.put("forgotten", record("forgotten", withTests))
      const status = yield* stage.ended("forgotten")
      assert.strictEqual(status.status, "SUCCEEDED", status.error)
      assert.strictEqual(failureOf(status.attempts[0]?.outcome), "ChildLost")
      assert.lengthOf(stage.registry.publications, 1)

      // Unreachable ones hold it back for a minute, and then the phase goes on.
      const world = new World()
      world.settle()
      const id = world.child("build")
      world.succeed(id, {
        logs: "unreachable",
        logBytes: 0,
        logTruncated: false,
        tail: [],
        result: Option.some({ digest: `sha256:${"a".repeat(64)}`, commit: Option.none() }),
        failure: Option.none()
      })
      world.settle()
      assert.notStrictEqual(world.status?.status, "SUCCEEDED")
      world.now += 61_000
      world.settle()
      assert.strictEqual(world.status?.status, "SUCCEEDED")
      assert.strictEqual(world.status?.attempts[0]?.outcome?.logs, "unavailable")
    })
  )

  it.scopedLive("Z18: no child is registered before the store holds the status that announces it", () =>
    Effect.gen(function* () {
      const stage = yield* setStage
      const seen: Array<boolean> = []
      const watched = (nomad: Nomad["Type"]): Nomad["Type"] => ({
        ...nomad,
        register: (job, options) =>
          Effect.gen(function* () {
            const stored = yield* stage.status("first")
            seen.push(stored?.attempts.some(({ nomad_job_id: id }) => id === job.ID) ?? false)
            return yield* nomad.register(job, options)
          })
      })
      yield* stage.serve({ nomad: watched })
      yield* stage.put("first", record("first", withTests))
      const status = yield* stage.ended("first")
      assert.strictEqual(status.status, "SUCCEEDED", status.error)
      assert.isAtLeast(seen.length, 6)
      assert.notInclude(seen, false)
    })
  )

  it.scopedLive.each([
    ["before", 1],
    ["after", 1],
    ["before", 3],
    ["after", 5],
    ["after", 6]
  ] as const)("Z19: a crash %s registration number %d is found and finished by the next one", ([when, nth]) =>
    Effect.gen(function* () {
      const stage = yield* setStage
      let registrations = 0
      const crash = yield* Effect.makeLatch(false)
      const crashing = (nomad: Nomad["Type"]): Nomad["Type"] => ({
        ...nomad,
        register: (job, options) =>
          Effect.suspend(() => {
            if (++registrations !== nth) return nomad.register(job, options)
            const effect = when === "before" ? Effect.void : Effect.asVoid(nomad.register(job, options))
            return Effect.zipRight(Effect.zipRight(effect, crash.open), Effect.never)
          })
      })
      const first = yield* stage.serve({ nomad: crashing })
      yield* stage.put("crash", record("crash", withTests))
      yield* crash.await
      yield* Fiber.interrupt(first)
      yield* stage.serve()
      const status = yield* stage.ended("crash")
      assert.strictEqual(status.status, "SUCCEEDED", status.error)
      assert.deepStrictEqual(
        status.attempts.map(({ attempt }) => attempt),
        status.attempts.map(() => 1)
      )
      assert.lengthOf(stage.registry.publications, 1)
      assert.deepStrictEqual(stage.registry.violations, [])
    })
  )

  it.scopedLive("Z23: what runs without an owner is stopped, and what is another installation's is left alone", () =>
    Effect.gen(function* () {
      const stage = yield* setStage
      const orphan = (installation: string, nomadId: string) =>
        buildSpec(
          {
            ...phaseInput({ job: { git_ref: "endless" }, settings: { datacenters: ["dc1"], vault: false } }),
            installation,
            nomadId,
            jobId: nomadId.slice(6, -2),
            attempt: 1
          },
          { kind: "temporary", image: "registry.example.com/temp/orphan:latest" }
        )
      const ours = "build-11111111-2222-4333-8444-555555555555-1"
      const theirs = "build-99999999-2222-4333-8444-555555555555-1"
      yield* stage.nomad.register(orphan("zoo", ours))
      yield* stage.nomad.register(orphan("another installation", theirs))
      yield* stage.serve()
      yield* eventually(
        "the orphan is gone",
        Effect.map(stage.nomad.job(ours), (job) => Option.isNone(job) || job.value.Stop)
      )
      assert.isFalse(Option.getOrThrow(yield* stage.nomad.job(theirs)).Stop)
    })
  )

  it.scopedLive("Z20: a child that Nomad forgot is tried again, and the record stays", () =>
    Effect.gen(function* () {
      const stage = yield* setStage
      yield* stage.serve()
      yield* stage.put("lost", record("lost", { git_ref: "endless" }))
      const running = yield* stage.until("lost", ({ attempts }) => attempts[0]?.started_at !== undefined)
      yield* stage.nomad.stop(running.attempts[0]?.nomad_job_id ?? "", { purge: true })
      const retried = yield* stage.until("lost", ({ attempts }) => attempts.length === 2)
      assert.include(["ChildLost", "ChildStopped"], failureOf(retried.attempts[0]?.outcome))
      assert.isTrue(Option.isSome(yield* stage.consul.get("jobforge-service/jobs/lost")))

      const world = new World()
      world.settle()
      world.run(world.child("build"))
      world.settle()
      world.children.clear()
      world.settle()
      assert.strictEqual(failureOf(world.status?.attempts[0]?.outcome), "ChildLost")
      world.now += 60_000
      world.settle()
      assert.strictEqual(world.open()[0]?.attempt, 2)
    })
  )
})

const failureOf = (outcome: NonNullable<World["status"]>["attempts"][number]["outcome"]): string =>
  outcome !== undefined && outcome.result !== "succeeded" ? outcome.reason : "none"
