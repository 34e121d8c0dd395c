import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Schema } from "effect"
import type { Evaluation } from "../../src/nomad/Evaluation.ts"
import { nomadArea, type ScriptTask } from "./nomadArea.ts"

const ofTrigger = (evaluations: ReadonlyArray<Evaluation>, trigger: string): Evaluation =>
  evaluations.find(({ TriggeredBy }) => TriggeredBy === trigger) ?? assert.fail(`no evaluation for ${trigger}`)

const plan9 = { Constraints: [{ LTarget: "${attr.kernel.name}", RTarget: "plan9", Operand: "=" }] }

const Memory = Schema.parseJson(
  Schema.Struct({ NodeResources: Schema.Struct({ Memory: Schema.Struct({ MemoryMB: Schema.Number }) }) })
)

export const placementConformance = (address: () => string, scriptTask: ScriptTask): void => {
  const area = Effect.suspend(() => nomadArea(address(), scriptTask))

  describe("an evaluation", () => {
    it.scopedLive("of a job that is placed is complete, and misses nothing", () =>
      Effect.gen(function* () {
        const { becomes, id, job, nomad } = yield* area
        const { evalId, jobModifyIndex } = yield* nomad.register(job("true"))
        yield* becomes("Succeeded")
        const evaluations = yield* nomad.evaluations(id)
        assert.deepInclude(ofTrigger(evaluations, "job-register"), {
          ID: evalId,
          JobID: id,
          JobModifyIndex: jobModifyIndex,
          Status: "complete",
          StatusDescription: "",
          FailedTGAllocs: {},
          BlockedEval: "",
          QueuedAllocations: { main: 0 }
        })
        assert.lengthOf(evaluations, 1)
      })
    )

    it.scopedLive("of a job without a place is complete too, and another one waits, until the job is stopped", () =>
      Effect.gen(function* () {
        const { becomes, id, job, nomad } = yield* area
        const { evalId } = yield* nomad.register(job("true", plan9))
        yield* Effect.sleep("500 millis")
        yield* becomes("Queued")
        const waiting = yield* nomad.evaluations(id)
        assert.lengthOf(waiting, 2)
        const first = ofTrigger(waiting, "job-register")
        const blocked = ofTrigger(waiting, "queued-allocs")
        assert.deepInclude(first, { ID: evalId, Status: "complete", BlockedEval: blocked.ID })
        assert.deepInclude(first, { QueuedAllocations: { main: 1 } })
        assert.deepInclude(first.FailedTGAllocs["main"], {
          NodesEvaluated: 1,
          NodesFiltered: 1,
          NodesExhausted: 0,
          NodesAvailable: { dc1: 1 },
          ConstraintFiltered: { "${attr.kernel.name} = plan9": 1 }
        })
        assert.deepInclude(blocked, { Status: "blocked", PreviousEval: first.ID, JobID: id })
        yield* nomad.stop(id)
        yield* becomes("Stopped")
        yield* Effect.sleep("1200 millis")
        const after = yield* nomad.evaluations(id)
        assert.strictEqual(after.find(({ ID }) => ID === blocked.ID)?.Status ?? "canceled", "canceled")
        assert.strictEqual(ofTrigger(after, "job-deregister").Status, "complete")
      })
    )
  })

  describe("a job that waits", () => {
    it.scopedLive("says what no node has: driver, volume, device, processor, disk", () =>
      Effect.gen(function* () {
        const Devices = [{ Name: "nosuch/gpu", Count: 1 }]
        const Volumes = { cache: { Name: "cache", Type: "host", Source: "nosuch-volume", ReadOnly: false } }
        const cases = [
          ['Constraint "missing drivers": 1 node excluded by filter', { task: { Driver: "nosuch", Config: {} } }],
          ['Constraint "missing compatible host volumes": 1 node excluded by filter', { group: { Volumes } }],
          [
            'Constraint "missing devices": 1 node excluded by filter',
            { task: { Resources: { CPU: 20, MemoryMB: 32, Devices } } }
          ],
          ['Dimension "cpu" exhausted on 1 node', { task: { Resources: { CPU: 99_999_999, MemoryMB: 32 } } }],
          ['Dimension "disk" exhausted on 1 node', { group: { EphemeralDisk: { SizeMB: 999_999_999 } } }],
          [
            'Constraint "${attr.cpu.arch} = pdp11": 1 node excluded by filter',
            { group: { Constraints: [{ LTarget: "${attr.cpu.arch}", RTarget: "pdp11", Operand: "=" }] } }
          ]
        ] as const
        const seen = yield* Effect.forEach(cases, ([, fields]) =>
          Effect.gen(function* () {
            const { becomes, job, nomad } = yield* area
            yield* nomad.register(job("true", fields))
            yield* Effect.sleep("300 millis")
            return Option.getOrNull((yield* becomes("Queued")).unplaced)
          })
        )
        assert.sameOrderedMembers(
          seen,
          cases.map(([words]): string => words)
        )
      })
    )

    it.scopedLive("for room is placed when another makes room", () =>
      Effect.gen(function* () {
        const holder = yield* area
        const waiter = yield* area
        const [node] = yield* holder.nomad.nodes()
        const { text } = yield* holder.raw("GET", `/v1/node/${node?.ID ?? ""}`)
        const { NodeResources } = yield* Schema.decode(Memory)(text)
        const MemoryMB = Math.floor(NodeResources.Memory.MemoryMB * 0.6)
        const large = { task: { KillTimeout: 500_000_000, Resources: { CPU: 20, MemoryMB } } }
        yield* holder.run("sleep 60", large)
        yield* holder.becomes("Running")
        yield* waiter.nomad.register(waiter.job("sleep 0.2", large))
        yield* Effect.sleep("500 millis")
        assert.deepStrictEqual(
          (yield* waiter.becomes("Queued")).unplaced,
          Option.some('Dimension "memory" exhausted on 1 node')
        )
        yield* holder.nomad.stop(holder.id)
        yield* waiter.becomes("Succeeded")
        const blocked = ofTrigger(yield* waiter.nomad.evaluations(waiter.id), "queued-allocs")
        assert.strictEqual(blocked.Status, "complete")
      })
    )

    it.scopedLive("may name its datacenter by a pattern", () =>
      Effect.gen(function* () {
        const { becomes, job, nomad } = yield* area
        yield* nomad.register(job("true", { Datacenters: ["d*"] }))
        yield* becomes("Succeeded")
      })
    )
  })
}
