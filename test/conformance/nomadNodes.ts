import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Ref, type Scope, Stream } from "effect"
import type { Evaluation } from "../../src/nomad/Evaluation.ts"
import { eventually } from "./consulArea.ts"
import { nomadArea, type NomadArea, type ScriptTask } from "./nomadArea.ts"

/** Servers whose clients may come and go, none at first. */
export interface NomadNodes {
  readonly address: string
  /** Once it takes jobs; one that comes back still has what it ran. */
  readonly startNode: (name: string) => Effect.Effect<void>
  /** Without a farewell; what it runs goes on. */
  readonly killNode: (name: string) => Effect.Effect<void>
}

/** As this project's own jobs have it. */
const kept = { Disconnect: { StopOnClientAfter: 60_000_000_000, Replace: false, Reconcile: "keep_original" } }

const longTask = "sleep 60"

/** What became of the job's allocations, the oldest first. */
const allocationsOf = ({ id, nomad }: NomadArea) =>
  Effect.map(nomad.allocations(id), (all) =>
    all
      .toSorted((a, b) => a.CreateIndex - b.CreateIndex)
      .map((row) => [row.NodeName, row.ClientStatus, row.DesiredStatus])
  )

const become = (area: NomadArea, expected: ReadonlyArray<ReadonlyArray<string>>) =>
  eventually(
    `the allocations are ${expected.map((row) => row.join(" ")).join(", ")}`,
    allocationsOf(area),
    (rows) => rows.join(";") === expected.join(";"),
    20_000
  )

const evaluationsOf = ({ id, nomad }: NomadArea, trigger: string) =>
  Effect.map(nomad.evaluations(id), (all) => all.filter(({ TriggeredBy }) => TriggeredBy === trigger))

const isDown = ({ nomad }: NomadArea, name: string) =>
  eventually(
    `${name} is down`,
    nomad.nodes(),
    (nodes) => nodes.some(({ Name, Status }) => Name === name && Status === "down"),
    20_000
  )

const waiting = (evaluations: ReadonlyArray<Evaluation>) => evaluations.map(({ Status }) => Status)

const failure = <A, E extends { readonly _tag: string }>(effect: Effect.Effect<A, E>) =>
  Effect.map(Effect.flip(effect), ({ _tag }) => _tag)

export const nodeConformance = (startNodes: Effect.Effect<NomadNodes, never, Scope.Scope>, task: ScriptTask): void => {
  /** A job of Nomad's defaults and one with our groups' settings, both running on the only node. */
  const bothOnOne = Effect.gen(function* () {
    const { address, killNode, startNode } = yield* startNodes
    yield* startNode("one")
    const plain = yield* nomadArea(address, task)
    const ours = yield* nomadArea(address, task)
    const first = yield* plain.run(longTask, quickly)
    const own = yield* ours.run(longTask, { ...quickly, group: kept })
    yield* plain.becomes("Running")
    yield* ours.becomes("Running")
    return { killNode, startNode, plain, ours, first, own }
  })

  describe("a node that disappears", () => {
    it.scopedLive(
      "loses what it ran, which waits for another node, and isn't run on when it comes back",
      () =>
        Effect.gen(function* () {
          const { first, killNode, ours, own, plain, startNode } = yield* bothOnOne
          const { index } = yield* plain.nomad.jobs("")
          const told = yield* Ref.make<ReadonlySet<string>>(new Set())
          yield* plain.nomad.events(["Job", "Allocation", "Evaluation", "Node"], Option.some(index + 1)).pipe(
            Stream.runForEach(({ _tag }) => Ref.update(told, (tags) => new Set([...tags, _tag]))),
            Effect.forkScoped
          )
          yield* killNode("one")
          yield* isDown(plain, "one")

          assert.deepInclude(yield* plain.becomes("Lost"), {
            allocationId: first,
            message: "alloc is lost since its node is down"
          })
          yield* become(plain, [["one", "lost", "stop"]])
          const [cause] = yield* eventually(
            "the scheduler is done",
            evaluationsOf(plain, "node-update"),
            (all) => all[0]?.Status === "complete",
            5000
          )
          const [blocked] = yield* evaluationsOf(plain, "queued-allocs")
          if (cause === undefined || blocked === undefined) return assert.fail("nothing waits")
          assert.deepInclude(blocked, { Status: "blocked", PreviousEval: cause.ID })
          assert.deepInclude(cause, { BlockedEval: blocked.ID, QueuedAllocations: { main: 1 } })
          assert.deepStrictEqual(Object.keys(cause.FailedTGAllocs), ["main"])
          assert.strictEqual(Option.getOrThrow(yield* plain.nomad.job(plain.id)).Status, "pending")

          // Ours is not lost, but not known to run either; Nomad looks for a place for another all the same.
          yield* become(ours, [["one", "unknown", "run"]])
          assert.strictEqual((yield* ours.state())._tag, "Running")
          const unknown = Option.getOrThrow(yield* ours.nomad.allocation(own))
          assert.strictEqual(unknown.ClientDescription, "alloc is unknown since its node is disconnected")
          yield* eventually(
            "another is wanted",
            evaluationsOf(ours, "queued-allocs"),
            (all) => waiting(all).join() === "blocked",
            5000
          )
          const refused = [
            yield* failure(ours.nomad.logs(own, "main", "stdout")),
            yield* failure(Stream.runDrain(ours.nomad.followLogs(own, "main", "stdout", 0))),
            yield* failure(ours.nomad.readFile(own, "alloc/result.json"))
          ]
          assert.deepStrictEqual(refused, ["Unavailable", "Unavailable", "Unavailable"])

          yield* startNode("two")
          const second = yield* plain.becomes("Running")
          assert.strictEqual(second.nodeName, "two")
          yield* become(plain, [
            ["one", "lost", "stop"],
            ["two", "running", "run"]
          ])
          assert.strictEqual(Option.getOrThrow(yield* plain.nomad.allocation(first)).NextAllocation, "")
          yield* eventually(
            "nothing waits",
            Effect.all([evaluationsOf(plain, "queued-allocs"), evaluationsOf(ours, "queued-allocs")]),
            (all) => waiting(all.flat()).join() === "complete,complete",
            5000
          )
          yield* become(ours, [["one", "unknown", "run"]])

          yield* startNode("one")
          yield* become(plain, [
            ["one", "complete", "stop"],
            ["two", "running", "run"]
          ])
          assert.deepInclude(yield* plain.state(), { _tag: "Running", allocationId: second.allocationId })
          yield* become(ours, [["one", "running", "run"]])
          assert.deepInclude(yield* ours.state(), { _tag: "Running", allocationId: own })
          assert.includeMembers(
            [...(yield* Ref.get(told))],
            ["JobChanged", "AllocationChanged", "EvaluationChanged", "NodeChanged"]
          )
        }),
      120_000
    )

    it.scopedLive(
      "has what it ran replaced on another, ours too, and one of the two is stopped when it comes back",
      () =>
        Effect.gen(function* () {
          const { first, killNode, ours, plain, startNode } = yield* bothOnOne
          yield* startNode("two")
          yield* killNode("one")
          yield* isDown(plain, "one")

          yield* become(plain, [
            ["one", "lost", "stop"],
            ["two", "running", "run"]
          ])
          const second = yield* plain.becomes("Running")
          assert.strictEqual(second.nodeName, "two")
          const { NextAllocation } = Option.getOrThrow(yield* plain.nomad.allocation(first))
          assert.strictEqual(NextAllocation, second.allocationId)

          yield* become(ours, [
            ["one", "unknown", "run"],
            ["two", "running", "run"]
          ])
          assert.deepInclude(yield* ours.state(), { _tag: "Running", nodeName: "two" })

          yield* startNode("one")
          yield* become(plain, [
            ["one", "complete", "stop"],
            ["two", "running", "run"]
          ])
          const left = yield* eventually(
            "one of ours is stopped",
            ours.nomad.allocations(ours.id),
            (all) => all.filter(({ DesiredStatus }) => DesiredStatus === "run").length === 1,
            20_000
          )
          const wanted = left.filter(({ DesiredStatus }) => DesiredStatus === "run").map(({ ID }) => ID)
          assert.deepStrictEqual([(yield* ours.becomes("Running")).allocationId], wanted)
          assert.deepStrictEqual(
            left.filter(({ DesiredStatus }) => DesiredStatus === "stop").map((row) => row.DesiredDescription),
            ["alloc not needed due to job update"]
          )
        }),
      120_000
    )
  })
}

/** Ended at once when it is to be. */
const quickly = { task: { KillTimeout: 500_000_000 } }
