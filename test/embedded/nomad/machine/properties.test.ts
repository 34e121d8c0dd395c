import { assert, describe, it } from "@effect/vitest"
import { FastCheck, HashMap, HashSet, Option } from "effect"
import type { Command } from "../../../../src/embedded/nomad/machine/NomadCommand.ts"
import { emptyState, isTerminal, type NomadState } from "../../../../src/embedded/nomad/machine/NomadState.ts"
import { withStep } from "../../../../src/embedded/nomad/server/storedRows.ts"
import { batchJob, group, node, Simulation } from "./simulation.ts"

const ids = ["a", "b", "c"]

/** What happens to a cluster of two nodes and three jobs; reports are about the nth allocation that there is then. */
type Happening =
  | { readonly _tag: "Command"; readonly command: Command }
  | { readonly _tag: "Report"; readonly nth: number; readonly status: "running" | "complete" | "failed" }

const command: FastCheck.Arbitrary<Command> = FastCheck.oneof(
  FastCheck.record({
    id: FastCheck.constantFrom(...ids),
    env: FastCheck.nat(1),
    memory: FastCheck.constantFrom(64, 600)
  }).map(({ id, env, memory }): Command => ({
    _tag: "Register",
    job: batchJob(id, {
      TaskGroups: [group({}, { Env: { V: String(env) }, Resources: { CPU: 10, MemoryMB: memory } })]
    })
  })),
  FastCheck.record({ jobId: FastCheck.constantFrom(...ids), purge: FastCheck.boolean() }).map(
    ({ jobId, purge }): Command => ({ _tag: "Deregister", jobId, purge })
  ),
  FastCheck.constantFrom("1", "2").map((name): Command => ({ _tag: "UpsertNode", node: node(name) })),
  FastCheck.record({ name: FastCheck.constantFrom("1", "2"), status: FastCheck.constantFrom("ready", "down") }).map(
    ({ name, status }): Command => ({
      _tag: "SetNodeStatus",
      id: node(name).ID,
      status: status === "ready" ? "ready" : "down"
    })
  ),
  FastCheck.record({ name: FastCheck.constantFrom("1", "2"), drain: FastCheck.boolean() }).map(
    ({ name, drain }): Command => ({ _tag: "DrainNode", id: node(name).ID, drain })
  ),
  FastCheck.constant<Command>({ _tag: "CollectGarbage" })
)

const happening: FastCheck.Arbitrary<Happening> = FastCheck.oneof(
  { weight: 3, arbitrary: command.map((command): Happening => ({ _tag: "Command", command })) },
  {
    weight: 2,
    arbitrary: FastCheck.record({
      nth: FastCheck.nat(5),
      status: FastCheck.constantFrom<"running" | "complete" | "failed">("running", "complete", "failed")
    }).map(({ nth, status }): Happening => ({ _tag: "Report", nth, status }))
  }
)

const history = FastCheck.array(happening, { maxLength: 40 })

const play = (happenings: ReadonlyArray<Happening>): Simulation => {
  const simulation = new Simulation()
  for (const one of happenings) {
    if (one._tag === "Command") simulation.run(one.command)
    else {
      const all = ids.flatMap((id) => simulation.allocations(id)).toSorted((a, b) => (a.ID < b.ID ? -1 : 1))
      const allocation = all[one.nth % Math.max(1, all.length)]
      if (allocation !== undefined && !["complete", "failed"].includes(allocation.ClientStatus)) {
        simulation.report(allocation, one.status)
      }
    }
  }
  return simulation
}

const check = (property: (simulation: Simulation, happenings: ReadonlyArray<Happening>) => void) =>
  FastCheck.assert(
    FastCheck.property(history, (happenings) => property(play(happenings), happenings)),
    { numRuns: 150 }
  )

/** All of a state that is stored, in an order that doesn't depend on how it came about. */
const stored = (state: NomadState): unknown => ({
  index: state.index,
  tables: state.tableIndex,
  jobs: Object.fromEntries(HashMap.toEntries(state.jobs)),
  versions: Object.fromEntries(HashMap.toEntries(state.versions)),
  allocations: Object.fromEntries(HashMap.toEntries(state.allocations)),
  evaluations: Object.fromEntries(HashMap.toEntries(state.evaluations)),
  nodes: Object.fromEntries(HashMap.toEntries(state.nodes)),
  blocked: [...state.blocked].toSorted(),
  ofJob: members(state.allocationsOfJob),
  ofNode: members(state.allocationsOfNode),
  liveOfNode: members(state.liveAllocationsOfNode),
  evaluationsOfJob: members(state.evaluationsOfJob),
  memory: [...HashMap.keys(state.nodes)].toSorted().map((id) => [id, memoryOf(state, id)])
})

const memoryOf = (state: NomadState, nodeId: string): number =>
  Option.match(HashMap.get(state.usedOfNode, nodeId), { onNone: () => 0, onSome: ({ memory }) => memory })

const members = (index: NomadState["allocationsOfJob"]): unknown =>
  Object.fromEntries(HashMap.toEntries(index).map(([key, set]) => [key, [...set].toSorted()]))

describe("whatever happens", () => {
  it("at most one allocation of a job's only instance is wanted and alive", () =>
    check((simulation) => {
      for (const id of ids) {
        const live = simulation.allocations(id).filter((allocation) => !isTerminal(allocation))
        assert.isAtMost(live.length, 1, id)
      }
    }))

  it("no node gives away more than it has, and what is counted as taken is what runs there", () =>
    check((simulation) => {
      for (const host of HashMap.values(simulation.state.nodes)) {
        const used = ids
          .flatMap((id) => simulation.allocations(id))
          .filter((allocation) => allocation.NodeID === host.ID && !isTerminal(allocation))
          .map((allocation) => allocation.Job.TaskGroups?.[0]?.Tasks?.[0]?.Resources.MemoryMB ?? 0)
          .reduce((sum, value) => sum + value, 0)
        assert.isAtMost(used, host.MemoryMB)
        assert.strictEqual(memoryOf(simulation.state, host.ID), used)
      }
    }))

  it("a job's status says what its allocations and evaluations say", () =>
    check((simulation) => {
      for (const job of HashMap.values(simulation.state.jobs)) {
        const live = simulation.allocations(job.ID).some((allocation) => !isTerminal(allocation))
        const waits = simulation.evaluations(job.ID).some((evaluation) => evaluation.Status === "blocked")
        assert.strictEqual(job.Status, live ? "running" : waits ? "pending" : "dead", job.ID)
        if (job.Stop) assert.strictEqual(job.Status, "dead")
      }
    }))

  it("a job waits in at most one evaluation, and none stays pending", () =>
    check((simulation) => {
      for (const id of ids) {
        const evaluations = simulation.evaluations(id)
        assert.isAtMost(evaluations.filter(({ Status }) => Status === "blocked").length, 1)
        assert.isFalse(evaluations.some(({ Status }) => Status === "pending"))
      }
      assert.strictEqual(
        HashSet.size(simulation.state.blocked),
        [...HashMap.values(simulation.state.evaluations)].filter(({ Status }) => Status === "blocked").length
      )
    }))

  it("the index only grows, no row is newer than it, and events are in its order", () =>
    check((simulation) => {
      const { older, state } = simulation
      for (const [position, before] of older.entries()) {
        assert.isAtLeast((older[position + 1] ?? state).index, before.index)
      }
      const rows = [
        ...HashMap.values(state.allocations),
        ...HashMap.values(state.evaluations),
        ...HashMap.values(state.jobs)
      ]
      for (const row of rows) assert.isAtMost(row.ModifyIndex, state.index)
      const indexes = state.events.map((batch) => batch.Index)
      assert.deepStrictEqual(
        indexes,
        indexes.toSorted((a, b) => a - b)
      )
    }))

  it("the same history gives the same states, and older ones stay as they were", () =>
    check((simulation, happenings) => {
      const again = play(happenings)
      assert.deepStrictEqual(stored(again.state), stored(simulation.state))
      for (const [position, state] of simulation.older.entries()) {
        assert.deepStrictEqual(stored(state), stored(again.older[position] ?? emptyState))
      }
    }))

  it("what the steps wrote is enough to build the state again", () =>
    check((simulation) => {
      const { index, tableIndex: tables } = simulation.state
      const rebuilt = withStep(emptyState, { index, tables, changes: simulation.changes })
      assert.deepStrictEqual(stored(rebuilt), stored(simulation.state))
    }))
})
