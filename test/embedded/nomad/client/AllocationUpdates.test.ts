import { mkdirSync, readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, HashMap, Option, TestClock } from "effect"
import { makeAllocationUpdates } from "../../../../src/embedded/nomad/client/AllocationUpdates.ts"
import type { AllocationUpdate } from "../../../../src/embedded/nomad/machine/NomadCommand.ts"
import { pendingTask } from "../../../../src/embedded/nomad/machine/TaskEvent.ts"
import { NomadEngine } from "../../../../src/embedded/nomad/server/NomadEngine.ts"
import { scratchFolder } from "../agent.ts"
import { batchJob, node, Simulation } from "../machine/simulation.ts"

/** Servers with one allocation of each job, and what they show of these after each command. */
const serversOf = (...jobs: ReadonlyArray<string>) => {
  const simulation = new Simulation()
  simulation.run({ _tag: "UpsertNode", node: node("a") })
  for (const job of jobs) simulation.register(batchJob(job))
  const engine = new NomadEngine(simulation.state, undefined)
  const idOf = (job: string) => simulation.only(job).ID
  const shown: Array<ReadonlyArray<string>> = []
  engine.listen(() => {
    shown.push(jobs.map((job) => Option.getOrThrow(HashMap.get(engine.state.allocations, idOf(job))).ClientStatus))
  })
  const update = (job: string, clientStatus: AllocationUpdate["clientStatus"]): AllocationUpdate => ({
    id: idOf(job),
    clientStatus,
    clientDescription: clientStatus,
    taskStates: { main: pendingTask }
  })
  return { engine, shown, update, idOf }
}

describe("what the servers are told of allocations", () => {
  it.scoped("is the newest of what changes within a moment, of all of them at once", () =>
    Effect.gen(function* () {
      const { engine, shown, update } = serversOf("web", "worker")
      const { soon } = yield* makeAllocationUpdates(engine, yield* scratchFolder)
      yield* soon(update("worker", "pending"))
      yield* soon(update("web", "pending"))
      yield* soon(update("web", "running"))
      yield* TestClock.adjust("49 millis")
      assert.deepStrictEqual(shown, [])
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(shown, [["running", "pending"]])
      yield* soon(update("worker", "running"))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(shown.slice(1), [["running", "running"]])
    })
  )

  it.scoped("is an end at once, and nothing older after it", () =>
    Effect.gen(function* () {
      const { engine, shown, update } = serversOf("web")
      const { now, soon } = yield* makeAllocationUpdates(engine, yield* scratchFolder)
      yield* soon(update("web", "running"))
      yield* now(update("web", "complete"))
      assert.deepStrictEqual(shown, [["complete"]])
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(shown, [["complete"]])
    })
  )

  it.scoped("is remembered of what has started, until they have it", () =>
    Effect.gen(function* () {
      const { engine, idOf, update } = serversOf("web", "worker")
      const folder = yield* scratchFolder
      const { soon } = yield* makeAllocationUpdates(engine, folder)
      yield* soon(update("web", "running"))
      yield* soon(update("worker", "pending"))
      const next = yield* makeAllocationUpdates(engine, folder)
      assert.deepStrictEqual([...next.untold.keys()], [idOf("web")])
      yield* next.now(update("web", "failed"))
      assert.deepStrictEqual(readdirSync(folder), [])
    })
  )

  it.scoped("is nothing of what they have forgotten", () =>
    Effect.gen(function* () {
      const folder = join(yield* scratchFolder, "started")
      mkdirSync(folder)
      writeFileSync(join(folder, "forgotten"), "")
      const { untold } = yield* makeAllocationUpdates(serversOf("web").engine, folder)
      assert.strictEqual(untold.size, 0)
      assert.deepStrictEqual(readdirSync(folder), [])
    })
  )
})
