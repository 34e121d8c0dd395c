import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Schema } from "effect"
import { ChildState } from "../src/domain/ChildState.ts"
import { buildScript } from "../src/jobspec/buildScript.ts"
import { buildSpec } from "../src/jobspec/buildSpec.ts"
import { cleanupScript } from "../src/jobspec/cleanupScript.ts"
import { publishScript } from "../src/jobspec/publishScript.ts"
import { testSpec } from "../src/jobspec/testSpec.ts"
import { Allocation } from "../src/nomad/Allocation.ts"
import { apiErrorOf } from "../src/nomad/apiErrorOf.ts"
import { decodeAnswer } from "../src/nomad/decodeAnswer.ts"
import { Job } from "../src/nomad/Job.ts"
import { outcome } from "../src/nomad/outcome.ts"
import { digest, phaseInput, temporary } from "./jobspec/phaseInputs.ts"
import { bodyBytes, bodyOf, fixture } from "./nomad/fixtures.ts"
import { reported, tested, valid, World } from "./support/world.ts"

/** What real Nomad does that bites most likely: each is met here by a spec or by a decision. */

const stateOf = (jobName: string | undefined, allocationsName: string) =>
  Effect.gen(function* () {
    const allocations = yield* decodeAnswer(Schema.Array(Allocation))("allocations", bodyBytes(allocationsName))
    const job =
      jobName === undefined
        ? Schema.decodeSync(Job)({ ID: "j", Status: "running" })
        : yield* decodeAnswer(Job)("job", bodyBytes(jobName))
    return outcome(Option.some(job), allocations, [])
  })

const image = `${temporary.replace(":latest", "")}@${digest}`
const command = (text: string) =>
  testSpec(phaseInput({ test: { commands: [text] } }), { kind: "command", index: 0, command: text }, image)
const taskOf = (job: ReturnType<typeof testSpec>) => job.TaskGroups[0].Tasks[0]

describe("what bites on a real Nomad", () => {
  it.effect("1: a stopped allocation ends as «complete», and is no success", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* stateOf("job-read-stopped", "allocations-killed"))._tag, "Stopped")
    })
  )

  it.effect("2: a stopped job is «dead» while its task runs on, and is waited for", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* stateOf("job-read-stopping", "allocations-killing"))._tag, "Stopping")
      const world = new World()
      world.settle()
      const id = world.child("build")
      world.record = valid({ state: "cancelled" })
      world.pass()
      world.children.set(id, ChildState.Stopping({ allocationId: "a" }))
      world.settle()
      assert.notStrictEqual(world.status?.status, "FAILED")
    })
  )

  it.effect("3: a task that was stopped during its image's pull runs to its end, and is no success", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* stateOf("job-read-stopped", "allocations-killed-while-pulling"))._tag, "Stopped")
    })
  )

  it("4: ${…} and %{…} in a command reach the shell as they were typed", () => {
    const { Config } = taskOf(command("echo ${HOME} %{http_code} $HOME"))
    assert.include(Config.entrypoint?.join("\n"), "echo $${HOME} %%{http_code} $HOME")
  })

  it("5: a command replaces the image's entry point instead of becoming its arguments", () => {
    const { Config } = taskOf(command("true"))
    assert.isDefined(Config.entrypoint)
    assert.notProperty(Config, "command")
    assert.notProperty(Config, "args")
  })

  it("6: every script lives a moment longer than its last line", () => {
    for (const script of [buildScript, publishScript, cleanupScript]) assert.include(script, "sleep 1")
    assert.include(taskOf(command("true")).Config.entrypoint?.join("\n"), "sleep 1")
  })

  it("7: a burst of output fits docker's own buffer", () => {
    const job = buildSpec(phaseInput(), { kind: "temporary", image: temporary })
    for (const { Config } of [taskOf(command("true")), job.TaskGroups[0].Tasks[0]]) {
      assert.deepStrictEqual(Config.logging, { type: "json-file", config: [{ "max-size": "200m", "max-file": "1" }] })
    }
  })

  it("8: nothing waits for the end of a followed log, since it has none: the allocation's end ends a phase", () => {
    const world = new World()
    world.settle()
    world.succeed(world.child("build"))
    world.settle()
    assert.strictEqual(world.status?.status, "SUCCEEDED")
    assert.strictEqual(world.status?.attempts[0]?.outcome?.logs, "archived")
  })

  it("9: logs that the client has thrown away are gone for good: the step counts as lost and runs again", () => {
    const { response } = fixture("logs-after-client-gc")
    assert.strictEqual(apiErrorOf("logs", response.status, bodyOf(fixture("logs-after-client-gc")))._tag, "NotFound")
    const world = new World()
    world.settle()
    world.succeed(world.child("build"), { ...reported, logs: "none" })
    world.settle()
    world.now += 60_000
    world.settle()
    assert.isTrue(world.child("build").endsWith("-2"))
  })

  it.effect("10: a lost allocation may come back, so its job is stopped before the step is tried again", () =>
    Effect.gen(function* () {
      const state = yield* stateOf(undefined, "allocations-lost")
      assert.include(["Lost", "Running", "Starting", "Succeeded"], state._tag)
      const world = new World()
      world.settle()
      const id = world.child("build")
      world.children.set(id, ChildState.Lost({ allocationId: "a", message: "node is down" }))
      world.settle()
      assert.include(world.log, `Stop ${id}`)
      world.now += 3_600_000
      world.settle()
      assert.isTrue(world.child("build").endsWith("-2"))
    })
  )

  it("11: a registration that Nomad has forgotten may run twice, so a step's end is in the status before anything follows", () => {
    const world = new World()
    world.record = valid(tested)
    world.settle()
    const id = world.child("build")
    world.succeed(id)
    world.settle()
    world.children.delete(id)
    world.settle()
    assert.strictEqual(world.status?.status, "TESTING")
    assert.lengthOf(
      world.log.filter((line) => line === `Register ${id}`),
      1
    )
  })

  it("12: an empty list proves no deletion, and a shrunken index is started from anew (see the tests of Records and Watch)", () => {
    const world = new World()
    world.settle()
    const before = world.status
    // The shell passes `Absent` only after the single key was asked; a record that is still known changes nothing.
    world.pass()
    assert.strictEqual(world.status, before)
  })
})
