import { assert, describe, it } from "@effect/vitest"
import { HashMap, Option } from "effect"
import { batchJob, group, node, Simulation } from "./simulation.ts"

const withNode = (): Simulation => {
  const simulation = new Simulation()
  simulation.run({ _tag: "UpsertNode", node: node("a") })
  return simulation
}

const jobOf = (simulation: Simulation, id: string) => Option.getOrThrow(HashMap.get(simulation.state.jobs, id))

describe("registering", () => {
  it("places a new job at once, in three entries of the log", () => {
    const simulation = withNode()
    const before = simulation.state.index
    const reply = simulation.register(batchJob("web"))
    assert.deepStrictEqual(reply, {
      _tag: "Registered",
      evaluationId: "00000002-0000-4000-8000-000000000000",
      index: before + 1,
      jobModifyIndex: before + 1
    })
    const allocation = simulation.only("web")
    assert.strictEqual(allocation.CreateIndex, before + 2)
    assert.strictEqual(allocation.Name, "web.main[0]")
    assert.strictEqual(allocation.ClientStatus, "pending")
    assert.isNull(allocation.TaskStates)
    const job = jobOf(simulation, "web")
    assert.deepStrictEqual(
      [job.Status, job.Version, job.JobModifyIndex, job.ModifyIndex],
      ["running", 0, before + 1, before + 2]
    )
    const [evaluation] = simulation.evaluations("web")
    assert.strictEqual(evaluation?.Status, "complete")
    assert.deepStrictEqual(evaluation?.QueuedAllocations, { main: 0 })
    assert.strictEqual(simulation.state.index, before + 3)
  })

  it("evaluates an identical job again without a new version or allocation, running and dead alike", () => {
    const simulation = withNode()
    const first = simulation.register(batchJob("web"))
    simulation.register(batchJob("web"))
    simulation.report(simulation.only("web"), "complete")
    assert.strictEqual(jobOf(simulation, "web").Status, "dead")
    const again = simulation.register(batchJob("web"))
    assert.strictEqual(simulation.evaluations("web").length, 3)
    assert.lengthOf(simulation.allocations("web"), 1)
    assert.strictEqual(jobOf(simulation, "web").Version, 0)
    assert.strictEqual(jobOf(simulation, "web").Status, "dead")
    assert.strictEqual(
      again._tag === "Registered" ? again.jobModifyIndex : 0,
      first._tag === "Registered" ? first.jobModifyIndex : -1
    )
  })

  it("doesn't run a failed task again", () => {
    const simulation = withNode()
    simulation.register(batchJob("web"))
    simulation.report(simulation.only("web"), "failed", 3)
    simulation.register(batchJob("web"))
    assert.lengthOf(simulation.allocations("web"), 1)
    assert.lengthOf(
      simulation.evaluations("web").filter(({ TriggeredBy }) => TriggeredBy !== "job-register"),
      0
    )
  })

  it("runs an identical job again after it was stopped", () => {
    const simulation = withNode()
    simulation.register(batchJob("web"))
    simulation.run({ _tag: "Deregister", jobId: "web", purge: false })
    simulation.report(simulation.only("web"), "complete", 143)
    simulation.register(batchJob("web"))
    assert.lengthOf(simulation.allocations("web"), 2)
    assert.strictEqual(jobOf(simulation, "web").Version, 2)
    assert.isFalse(jobOf(simulation, "web").Stop)
  })

  it("replaces a running task whose job changed, and keeps one whose change doesn't reach it", () => {
    const simulation = withNode()
    simulation.register(batchJob("web"))
    simulation.register(batchJob("web", { Priority: 60 }))
    assert.strictEqual(simulation.only("web").Job.Version, 1)
    simulation.register(batchJob("web", { TaskGroups: [group({}, { Env: { A: "1" } })] }))
    const [newer, older] = simulation.allocations("web")
    assert.deepStrictEqual(
      [older?.DesiredStatus, older?.DesiredDescription],
      ["stop", "alloc is being updated due to job update"]
    )
    assert.deepStrictEqual([newer?.DesiredStatus, newer?.PreviousAllocation], ["run", older?.ID])
    assert.strictEqual(older?.NextAllocation, newer?.ID)
  })

  it("enforces the index with Nomad's words", () => {
    const simulation = withNode()
    const refusal = (enforced: number) => {
      const reply = simulation.register(batchJob("web"), enforced)
      return reply._tag === "Refused" ? reply.text : reply._tag
    }
    assert.strictEqual(refusal(99), "Enforcing job modify index 99: job does not exist")
    assert.strictEqual(refusal(0), "Registered")
    assert.strictEqual(refusal(0), "Enforcing job modify index 0: job already exists")
    const index = jobOf(simulation, "web").JobModifyIndex
    assert.strictEqual(
      refusal(7),
      `Enforcing job modify index 7: job exists with conflicting job modify index: ${index}`
    )
    assert.strictEqual(refusal(index), "Registered")
  })

  it("lets two create-only registrations through when the check was done before, as Nomad did", () => {
    const simulation = withNode()
    for (const env of ["1", "2"]) {
      const job = batchJob("web", { TaskGroups: [group({}, { Env: { A: env } })] })
      simulation.run({ _tag: "Register", job, enforceIndex: 0, unchecked: true })
    }
    assert.strictEqual(jobOf(simulation, "web").Version, 1)
  })
})

describe("stopping", () => {
  it("makes the job dead at once while its task still runs", () => {
    const simulation = withNode()
    simulation.register(batchJob("web"))
    simulation.report(simulation.only("web"), "running")
    simulation.run({ _tag: "Deregister", jobId: "web", purge: false })
    const job = jobOf(simulation, "web")
    assert.deepStrictEqual([job.Stop, job.Status, job.Version], [true, "dead", 1])
    const allocation = simulation.only("web")
    assert.deepStrictEqual(
      [allocation.DesiredStatus, allocation.DesiredDescription, allocation.ClientStatus],
      ["stop", "alloc not needed due to job update", "running"]
    )
    assert.strictEqual(simulation.evaluations("web")[1]?.Type, "service")
  })

  it("answers for unknown and already stopped jobs with an evaluation too", () => {
    const simulation = withNode()
    const reply = simulation.run({ _tag: "Deregister", jobId: "nobody", purge: false })
    assert.strictEqual(reply._tag, "Evaluated")
    assert.lengthOf(simulation.evaluations("nobody"), 1)
    simulation.register(batchJob("web"))
    simulation.run({ _tag: "Deregister", jobId: "web", purge: false })
    const version = jobOf(simulation, "web").Version
    simulation.run({ _tag: "Deregister", jobId: "web", purge: false })
    assert.strictEqual(jobOf(simulation, "web").Version, version)
  })

  it("forgets a purged job and its allocations, running or not, but not its evaluations", () => {
    const simulation = withNode()
    simulation.register(batchJob("web"))
    simulation.report(simulation.only("web"), "running")
    simulation.run({ _tag: "Deregister", jobId: "web", purge: true })
    assert.isTrue(Option.isNone(HashMap.get(simulation.state.jobs, "web")))
    assert.isEmpty(simulation.allocations("web"))
    assert.isUndefined(simulation.evaluations("web")[1]?.QueuedAllocations)
  })

  it("replaces an allocation that is stopped by itself", () => {
    const simulation = withNode()
    simulation.register(batchJob("web"))
    simulation.report(simulation.only("web"), "running")
    simulation.run({ _tag: "StopAllocation", id: simulation.only("web").ID })
    const [newer, older] = simulation.allocations("web")
    assert.strictEqual(older?.DesiredDescription, "alloc is being migrated")
    assert.strictEqual(newer?.PreviousAllocation, older?.ID)
    assert.strictEqual(simulation.evaluations("web")[1]?.TriggeredBy, "alloc-stop")
  })
})

describe("waiting for a node", () => {
  const unplaced = (changes: Readonly<Record<string, unknown>>) => {
    const simulation = withNode()
    simulation.register(batchJob("web", changes))
    const [registering, blocked] = simulation.evaluations("web")
    assert.strictEqual(jobOf(simulation, "web").Status, "pending")
    assert.strictEqual(registering?.BlockedEval, blocked?.ID)
    assert.deepStrictEqual(registering?.QueuedAllocations, { main: 1 })
    assert.strictEqual(blocked?.Status, "blocked")
    assert.strictEqual(blocked?.TriggeredBy, "queued-allocs")
    return registering?.FailedTGAllocs?.["main"]
  }

  it("names the constraint that filtered the nodes", () => {
    const metrics = unplaced({ Constraints: [{ LTarget: "${attr.kernel.name}", Operand: "=", RTarget: "plan9" }] })
    assert.deepStrictEqual(metrics?.ConstraintFiltered, { "${attr.kernel.name} = plan9": 1 })
    assert.deepStrictEqual([metrics?.NodesEvaluated, metrics?.NodesFiltered], [1, 1])
  })

  it("names missing drivers, host volumes and devices", () => {
    const reason = (taskGroup: Readonly<Record<string, unknown>>) =>
      unplaced({ TaskGroups: [taskGroup] })?.ConstraintFiltered
    assert.deepStrictEqual(reason(group({}, { Driver: "qemu" })), { "missing drivers": 1 })
    assert.deepStrictEqual(reason(group({ Volumes: { v: { Type: "host", Source: "other" } } })), {
      "missing compatible host volumes": 1
    })
    assert.deepStrictEqual(
      reason(group({}, { Resources: { CPU: 10, MemoryMB: 10, Devices: [{ Name: "nvidia/gpu", Count: 1 }] } })),
      { "missing devices": 1 }
    )
  })

  it("names the exhausted dimension", () => {
    const metrics = unplaced({ TaskGroups: [group({}, { Resources: { CPU: 10, MemoryMB: 999_999 } })] })
    assert.deepStrictEqual(metrics?.DimensionExhausted, { memory: 1 })
    assert.strictEqual(metrics?.NodesExhausted, 1)
  })

  it("shows a datacenter without nodes", () => {
    const metrics = unplaced({ Datacenters: ["dc9"] })
    assert.deepStrictEqual([metrics?.NodesEvaluated, metrics?.NodesAvailable, metrics?.NodesInPool], [0, {}, 0])
  })

  it("places what waits, oldest first, when something ends", () => {
    const simulation = withNode()
    const big = { TaskGroups: [group({}, { Resources: { CPU: 10, MemoryMB: 900 } })] }
    for (const id of ["one", "two", "three"]) simulation.register(batchJob(id, big))
    assert.lengthOf(simulation.allocations("two"), 0)
    simulation.report(simulation.only("one"), "complete")
    assert.lengthOf(simulation.allocations("two"), 1)
    assert.lengthOf(simulation.allocations("three"), 0)
    const waiting = simulation.evaluations("two")[1]
    assert.strictEqual(waiting?.Status, "complete")
    assert.strictEqual(simulation.only("two").EvalID, waiting?.ID)
    assert.strictEqual(jobOf(simulation, "two").Status, "running")
  })

  it("places what waits when a node joins", () => {
    const simulation = new Simulation()
    simulation.register(batchJob("web"))
    simulation.run({ _tag: "UpsertNode", node: node("a") })
    assert.strictEqual(simulation.only("web").NodeName, "a")
  })

  it("cancels what waits when the job is stopped", () => {
    const simulation = new Simulation()
    simulation.register(batchJob("web"))
    simulation.run({ _tag: "Deregister", jobId: "web", purge: false })
    const blocked = simulation.evaluations("web")[1]
    assert.strictEqual(blocked?.Status, "canceled")
    assert.strictEqual(blocked?.StatusDescription, `evaluation "${blocked?.ID}" successful`)
    assert.strictEqual(jobOf(simulation, "web").Status, "dead")
  })
})

describe("a node that goes away", () => {
  const running = (changes: Readonly<Record<string, unknown>>) => {
    const simulation = withNode()
    simulation.register(batchJob("web", { TaskGroups: [group(changes)] }))
    simulation.report(simulation.only("web"), "running")
    simulation.run({ _tag: "UpsertNode", node: node("b") })
    simulation.run({ _tag: "SetNodeStatus", id: node("a").ID, status: "down" })
    return simulation
  }

  it("loses its allocation, which is replaced though nothing is to be rescheduled", () => {
    const simulation = running({})
    const [newer, older] = simulation.allocations("web")
    assert.deepStrictEqual(
      [older?.ClientStatus, older?.DesiredStatus, older?.DesiredDescription],
      ["lost", "stop", "alloc is lost since its node is down"]
    )
    assert.deepStrictEqual([newer?.NodeName, newer?.ClientStatus], ["b", "pending"])
    const evaluation = simulation.evaluations("web").at(-1)
    assert.deepStrictEqual([evaluation?.TriggeredBy, evaluation?.NodeID], ["node-update", node("a").ID])
  })

  it("loses what it was told to stop and has not answered for", () => {
    const simulation = withNode()
    simulation.register(batchJob("web"))
    simulation.run({ _tag: "Deregister", jobId: "web", purge: false })
    const told = simulation.only("web")
    assert.deepStrictEqual([told.ClientStatus, told.DesiredStatus], ["pending", "stop"])
    simulation.run({ _tag: "SetNodeStatus", id: node("a").ID, status: "down" })
    const lost = simulation.only("web")
    assert.deepStrictEqual(
      [lost.ClientStatus, lost.DesiredStatus, lost.DesiredDescription],
      ["lost", "stop", "alloc is lost since its node is down"]
    )
  })

  it("may come back with the lost allocation running", () => {
    const simulation = running({})
    const lost = simulation.allocations("web")[1]
    assert.isDefined(lost)
    simulation.run({ _tag: "SetNodeStatus", id: node("a").ID, status: "ready" })
    if (lost !== undefined) simulation.report(lost, "running")
    const back = simulation.allocations("web")[1]
    assert.deepStrictEqual([back?.ClientStatus, back?.DesiredStatus], ["running", "stop"])
    assert.lengthOf(simulation.allocations("web"), 2)
  })

  it("leaves its allocation unknown when the group says that nothing replaces it, and places another beside it", () => {
    const simulation = running({ Disconnect: { Replace: false, StopOnClientAfter: 60_000_000_000 } })
    const [newer, older] = simulation.allocations("web")
    assert.deepStrictEqual([older?.ClientStatus, older?.DesiredStatus, older?.NextAllocation], ["unknown", "run", ""])
    assert.deepStrictEqual([newer?.NodeName, newer?.DesiredStatus, newer?.PreviousAllocation], ["b", "run", ""])
    assert.strictEqual(jobOf(simulation, "web").Status, "running")
    simulation.run({ _tag: "SetNodeStatus", id: node("a").ID, status: "ready" })
    const [kept, given] = simulation.allocations("web")
    assert.deepStrictEqual(
      [kept?.DesiredStatus, given?.DesiredStatus, given?.DesiredDescription],
      ["run", "stop", "alloc not needed due to job update"]
    )
  })

  it("leaves it alone where there is no room beside it, also when there is again", () => {
    const simulation = withNode()
    const kept = { Disconnect: { Replace: false, StopOnClientAfter: 60_000_000_000 } }
    simulation.register(batchJob("web", { TaskGroups: [group(kept)] }))
    simulation.report(simulation.only("web"), "running")
    simulation.run({ _tag: "SetNodeStatus", id: node("a").ID, status: "down" })
    assert.deepStrictEqual(
      simulation.evaluations("web").map(({ Status }) => Status),
      ["complete", "complete", "blocked"]
    )
    simulation.run({ _tag: "UpsertNode", node: node("b") })
    const allocation = simulation.only("web")
    assert.deepStrictEqual([allocation.ClientStatus, allocation.DesiredStatus], ["unknown", "run"])
    assert.strictEqual(simulation.evaluations("web").at(-1)?.Status, "complete")
    simulation.run({ _tag: "SetNodeStatus", id: node("a").ID, status: "ready" })
    simulation.report(allocation, "complete")
    assert.strictEqual(jobOf(simulation, "web").Status, "dead")
  })

  it("moves what a drained node runs", () => {
    const simulation = withNode()
    simulation.register(batchJob("web"))
    simulation.report(simulation.only("web"), "running")
    simulation.run({ _tag: "UpsertNode", node: node("b") })
    simulation.run({ _tag: "DrainNode", id: node("a").ID, drain: true })
    const [newer, older] = simulation.allocations("web")
    assert.strictEqual(older?.DesiredDescription, "alloc is being migrated")
    assert.strictEqual(newer?.NodeName, "b")
  })
})

describe("garbage collection", () => {
  it("forgets dead jobs with all that belongs to them, and nothing that waits or runs", () => {
    const simulation = withNode()
    for (const id of ["done", "busy"]) simulation.register(batchJob(id))
    simulation.register(batchJob("waits", { Datacenters: ["dc9"] }))
    simulation.report(simulation.only("done"), "complete")
    simulation.run({ _tag: "CollectGarbage" })
    assert.deepStrictEqual([...HashMap.keys(simulation.state.jobs)].toSorted(), ["busy", "waits"])
    assert.lengthOf(simulation.allocations("done"), 0)
    assert.lengthOf(simulation.evaluations("done"), 0)
    assert.lengthOf(simulation.allocations("busy"), 1)
    const reply = simulation.register(batchJob("done"), 0)
    assert.strictEqual(reply._tag, "Registered")
    assert.lengthOf(simulation.allocations("done"), 1)
  })
})

describe("garbage collection by age", () => {
  it("leaves what ended later", () => {
    const simulation = withNode()
    for (const id of ["old", "new"]) {
      simulation.register(batchJob(id))
      simulation.report(simulation.only(id), "complete")
    }
    simulation.run({ _tag: "CollectGarbage", olderThan: simulation.only("new").ModifyTime })
    assert.deepStrictEqual([...HashMap.keys(simulation.state.jobs)], ["new"])
    const { index } = simulation.state
    simulation.run({ _tag: "CollectGarbage", olderThan: 0 })
    assert.strictEqual(simulation.state.index, index)
  })
})

describe("events", () => {
  it("tell of registration, plan and evaluation in the order of the log", () => {
    const simulation = withNode()
    simulation.register(batchJob("web"))
    const told = simulation.state.events.flatMap(({ Events }) => Events).map(({ Topic, Type }) => `${Topic} ${Type}`)
    assert.deepStrictEqual(told, [
      "Node NodeRegistration",
      "Job JobRegistered",
      "Evaluation JobRegistered",
      "Evaluation PlanResult",
      "Allocation PlanResult",
      "Job PlanResult",
      "Evaluation EvaluationUpdated"
    ])
  })

  it("are kept a hundred batches back", () => {
    const simulation = withNode()
    for (let index = 0; index < 60; index += 1) simulation.register(batchJob("web"))
    assert.lengthOf(simulation.state.events, 100)
    assert.strictEqual(simulation.state.events.at(-1)?.Index, simulation.state.index)
  })
})
