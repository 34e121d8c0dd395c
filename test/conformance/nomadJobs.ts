import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { eventually } from "./consulArea.ts"
import { nomadArea, type ScriptTask, unknownAllocation } from "./nomadArea.ts"

const failure = <A, E extends { readonly _tag: string }>(effect: Effect.Effect<A, E>) =>
  Effect.map(Effect.flip(effect), ({ _tag }) => _tag)

export const jobConformance = (address: () => string, scriptTask: ScriptTask): void => {
  const area = Effect.suspend(() => nomadArea(address(), scriptTask))

  describe("a job", () => {
    it.scopedLive("runs once, and has succeeded when its task exited 0", () =>
      Effect.gen(function* () {
        const { becomes, id, job, nomad } = yield* area
        const registered = yield* nomad.register(job("sleep 1; exit 0", { Meta: { owner: "conformance" } }))
        assert.notStrictEqual(registered.evalId, "")
        const running = yield* becomes("Running")
        const ended = yield* becomes("Succeeded")
        assert.strictEqual(ended.allocationId, running.allocationId)
        assert.strictEqual(ended.startedAt, running.startedAt)
        assert.isAtLeast(ended.finishedAt - ended.startedAt, 950)
        const held = Option.getOrThrow(yield* nomad.job(id))
        assert.deepInclude(held, { ID: id, Status: "dead", Stop: false, JobModifyIndex: registered.jobModifyIndex })
        assert.deepInclude(held.Meta, { owner: "conformance" })
        const again = yield* nomad.register(job("sleep 1; exit 0", { Meta: { owner: "conformance" } }))
        assert.strictEqual(again.jobModifyIndex, registered.jobModifyIndex)
        yield* Effect.sleep("500 millis")
        assert.lengthOf(yield* nomad.allocations(id), 1)
      })
    )

    it.scopedLive("has failed with its task's exit code, also by a signal", () =>
      Effect.gen(function* () {
        const exited = yield* area
        yield* exited.run("exit 42")
        assert.deepInclude(yield* exited.becomes("CommandFailed"), { exitCode: 42, oomKilled: false })
        const killed = yield* area
        yield* killed.run("kill -9 $$")
        assert.deepInclude(yield* killed.becomes("CommandFailed"), { exitCode: 137 })
      })
    )

    it.scopedLive("is created only where there is none, running or dead", () =>
      Effect.gen(function* () {
        const { becomes, job, nomad } = yield* area
        const create = nomad.register(job("sleep 0.5"), { createOnly: true })
        yield* create
        assert.strictEqual(yield* failure(create), "Conflict")
        yield* becomes("Succeeded")
        assert.strictEqual(yield* failure(create), "Conflict")
      })
    )

    it.scopedLive("is dead soon when stopped, while its task runs on until it ends, and hasn't succeeded then", () =>
      Effect.gen(function* () {
        const { becomes, id, nomad, run, says, state } = yield* area
        const allocationId = yield* run("trap 'sleep 2; exit 0' TERM INT; echo ready; while :; do sleep 0.05; done")
        yield* says(allocationId, "ready")
        yield* nomad.stop(id)
        const stopping = Effect.map(nomad.job(id), Option.getOrThrow)
        assert.isTrue((yield* stopping).Stop)
        // As soon as the scheduler has told its allocation.
        yield* eventually("it is dead", stopping, ({ Status }) => Status === "dead", 1500)
        assert.strictEqual((yield* state())._tag, "Stopping")
        const stopped = yield* becomes("Stopped")
        assert.deepStrictEqual(stopped.allocationId, Option.some(allocationId))
        const allocation = Option.getOrThrow(yield* nomad.allocation(allocationId))
        assert.deepInclude(allocation, { ClientStatus: "complete", DesiredStatus: "stop" })
        yield* nomad.stop(id)
      })
    )

    it.scopedLive("is killed when it outlives its kill timeout", () =>
      Effect.gen(function* () {
        const { becomes, id, nomad, run, says } = yield* area
        const deaf = "trap '' TERM INT; echo ready; while :; do sleep 0.05; done"
        yield* says(yield* run(deaf, { task: { KillTimeout: 500_000_000 } }), "ready")
        yield* nomad.stop(id)
        yield* becomes("Stopped")
      })
    )

    it.scopedLive("runs again when the same is registered after a stop", () =>
      Effect.gen(function* () {
        const { becomes, id, nomad, run } = yield* area
        yield* run("sleep 0.2")
        yield* becomes("Succeeded")
        yield* nomad.stop(id)
        yield* run("sleep 0.2")
        yield* becomes("Succeeded")
        assert.lengthOf(yield* nomad.allocations(id), 2)
      })
    )

    it.scopedLive("waits with Nomad's reason where no node may take it, and is done with when stopped", () =>
      Effect.gen(function* () {
        const { becomes, id, job, nomad, state } = yield* area
        const Constraints = [{ LTarget: "${attr.kernel.name}", RTarget: "plan9", Operand: "=" }]
        yield* nomad.register(job("true", { Constraints }))
        yield* Effect.sleep("300 millis")
        const queued = yield* becomes("Queued")
        assert.deepStrictEqual(
          queued.unplaced,
          Option.some('Constraint "${attr.kernel.name} = plan9": 1 node excluded by filter')
        )
        assert.strictEqual(Option.getOrThrow(yield* nomad.job(id)).Status, "pending")
        yield* nomad.stop(id)
        assert.deepStrictEqual(yield* state(), yield* becomes("Stopped"))
      })
    )

    it.scopedLive("waits with Nomad's reason for a datacenter without nodes and for more memory than there is", () =>
      Effect.gen(function* () {
        const elsewhere = yield* area
        yield* elsewhere.nomad.register(elsewhere.job("true", { Datacenters: ["dc9"] }))
        const large = yield* area
        yield* large.nomad.register(large.job("true", { task: { Resources: { CPU: 20, MemoryMB: 99_999_999 } } }))
        yield* Effect.sleep("300 millis")
        assert.include(
          Option.getOrThrow((yield* elsewhere.becomes("Queued")).unplaced),
          "No nodes were eligible for evaluation"
        )
        assert.deepStrictEqual(
          (yield* large.becomes("Queued")).unplaced,
          Option.some('Dimension "memory" exhausted on 1 node')
        )
      })
    )

    it.scopedLive("is refused where it can't be right, and every fault is told", () =>
      Effect.gen(function* () {
        const { id, job, nomad } = yield* area
        assert.strictEqual(yield* failure(nomad.register({ ID: id })), "Invalid")
        assert.strictEqual(yield* failure(nomad.register({ ...job("true"), ID: "with space" })), "Invalid")
        assert.strictEqual(yield* failure(nomad.register({ ID: "" })), "Invalid")
        assert.deepStrictEqual((yield* nomad.validate(job("true"))).errors, [])
        const { errors } = yield* nomad.validate({ ID: "with space" })
        assert.includeMembers([...errors], ["Job ID contains a space", "Missing job task groups"])
        assert.deepStrictEqual(yield* nomad.job(id), Option.none())
      })
    )

    it.scopedLive("that nobody registered is nothing: no job, no allocation, no evaluation, no error", () =>
      Effect.gen(function* () {
        const { id, nomad, state } = yield* area
        assert.strictEqual((yield* state(`${id}-none`))._tag, "Absent")
        assert.deepStrictEqual((yield* nomad.jobs(`${id}-none`)).value, [])
        assert.deepStrictEqual(yield* nomad.allocation(unknownAllocation), Option.none())
        assert.strictEqual(yield* failure(nomad.allocation("no-uuid")), "Invalid")
        yield* nomad.stop(`${id}-none`)
      })
    )

    it.scopedLive("is listed by the beginning of its id, with its Meta, and not any more once purged", () =>
      Effect.gen(function* () {
        const { becomes, id, job, nomad } = yield* area
        yield* nomad.register({ ...job("true"), ID: `${id}:b` })
        yield* nomad.register({ ...job("true", { Meta: { a: "1" } }), ID: `${id}-a` })
        const { index, value } = yield* nomad.jobs(id)
        assert.deepStrictEqual(
          value.map(({ ID, Meta }) => [ID, { ...Meta }]),
          [
            [`${id}-a`, { a: "1" }],
            [`${id}:b`, {}]
          ]
        )
        assert.isAtLeast(index, Math.max(...value.map(({ ModifyIndex }) => ModifyIndex)))
        yield* becomes("Succeeded", `${id}-a`)
        yield* nomad.stop(`${id}-a`, { purge: true })
        assert.deepStrictEqual(yield* nomad.job(`${id}-a`), Option.none())
        assert.deepStrictEqual(
          (yield* nomad.jobs(id)).value.map(({ ID }) => ID),
          [`${id}:b`]
        )
      })
    )
  })

  describe("the cluster", () => {
    it.scopedLive("tells its leader, its region, its nodes and its version", () =>
      Effect.gen(function* () {
        const { nomad } = yield* area
        assert.match(yield* nomad.leader(), /^[\d.]+:\d+$/u)
        assert.deepStrictEqual(yield* nomad.regions(), ["global"])
        const [node] = yield* nomad.nodes()
        assert.deepInclude(node, { Status: "ready", SchedulingEligibility: "eligible", Datacenter: "dc1" })
        const agent = yield* nomad.agentSelf()
        assert.match(agent.version, /^1\.\d+\.\d+/u)
        assert.deepInclude(agent, { region: "global", datacenter: "dc1" })
      })
    )

    // Last: it collects what other tests have finished.
    it.scopedLive("forgets finished jobs when it is told to, with their allocations and logs", () =>
      Effect.gen(function* () {
        const { becomes, nomad, run, state } = yield* area
        const allocation = yield* run("echo out; sleep 0.2")
        yield* becomes("Succeeded")
        yield* nomad.systemGc()
        yield* becomes("Absent")
        assert.deepStrictEqual(yield* nomad.allocation(allocation), Option.none())
        assert.strictEqual(yield* failure(nomad.logs(allocation, "main", "stdout")), "NotFound")
        assert.deepStrictEqual(yield* nomad.readFile(allocation, "alloc/logs/main.stdout.0"), Option.none())
        assert.strictEqual((yield* state())._tag, "Absent")
      })
    )
  })
}
