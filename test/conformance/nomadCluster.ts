import { assert, describe, it } from "@effect/vitest"
import { Chunk, Effect, Logger, Option, Stream } from "effect"
import type { NomadEvent } from "../../src/nomad/NomadEvent.ts"
import { nomadClient, plainNomad } from "../support/nomadClient.ts"
import { nomadArea, type ScriptTask } from "./nomadArea.ts"

const indexOf = (event: NomadEvent | undefined): number =>
  event !== undefined && "index" in event ? event.index : assert.fail("an event without an index")

const quiet = Effect.provide(Logger.remove(Logger.defaultLogger))

export const clusterConformance = (address: () => string, scriptTask: ScriptTask): void => {
  const area = Effect.suspend(() => nomadArea(address(), scriptTask))

  describe("a namespace or region that there isn't", () => {
    it.scopedLive("takes no job, and has none", () =>
      Effect.gen(function* () {
        const { id, job } = yield* area
        const namespace = yield* nomadClient({ ...plainNomad(address()), namespace: "nosuch" })
        const error = yield* Effect.flip(namespace.register(job("true")))
        assert.strictEqual(error._tag, "Invalid")
        assert.include(error.detail, "nonexistent namespace")
        assert.deepStrictEqual((yield* namespace.jobs("")).value, [])
        assert.deepStrictEqual(yield* namespace.job(id), Option.none())
        const region = yield* nomadClient({ ...plainNomad(address()), region: Option.some("nosuch") })
        const refusals = [
          yield* Effect.flip(region.register(job("true"))),
          yield* Effect.flip(region.job(id)),
          yield* Effect.flip(region.jobs("")),
          yield* Effect.flip(region.nodes())
        ]
        assert.deepStrictEqual(
          refusals.map(({ _tag, detail }) => [_tag, detail]),
          refusals.map(() => ["Invalid", "No path to region"])
        )
      })
    )
  })

  describe("a node", () => {
    it.scopedLive("tells its version, its drivers' health and its volumes", () =>
      Effect.gen(function* () {
        const { nomad } = yield* area
        const nodes = yield* nomad.nodes()
        assert.lengthOf(nodes, 1)
        const [node] = nodes
        if (node === undefined) return assert.fail("no node")
        assert.match(node.ID, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/u)
        assert.strictEqual(node.Version, (yield* nomad.agentSelf()).version)
        const driver = String(scriptTask("true")["Driver"])
        assert.deepInclude(node.Drivers[driver], { Detected: true, Healthy: true })
        assert.deepStrictEqual(Object.keys(node.HostVolumes), [])
      })
    )
  })

  describe("a job's id", () => {
    it.scopedLive("may have slashes, colons and letters of any script, here and in its allocations", () =>
      Effect.gen(function* () {
        const { becomes, id, job, nomad } = yield* area
        for (const own of [`${id}/a:b/c`, `${id}%2F`, `${id}+?#&=`, `${id}-ü日`]) {
          yield* nomad.register({ ...job("true"), ID: own })
          yield* becomes("Succeeded", own)
          assert.deepStrictEqual(
            (yield* nomad.allocations(own)).map(({ JobID }) => JobID),
            [own]
          )
          assert.isAbove((yield* nomad.evaluations(own)).length, 0)
          yield* nomad.stop(own, { purge: true })
          assert.deepStrictEqual(yield* nomad.job(own), Option.none())
        }
      })
    )

    it.scopedLive("that is unknown may be stopped and purged all the same", () =>
      Effect.gen(function* () {
        const { id, nomad } = yield* area
        yield* nomad.stop(`${id}-none`, { purge: true })
        assert.deepStrictEqual(yield* nomad.allocations(`${id}-none`), [])
      })
    )
  })

  describe("the stream of all events", () => {
    it.scopedLive("goes on after an index with what came at it and since, without a gap", () =>
      Effect.gen(function* () {
        const { becomes, id, nomad } = yield* area
        const { index } = yield* nomad.jobs("")
        const { job, register } = { job: (yield* area).job, register: nomad.register }
        yield* register({ ...job("true"), ID: id })
        yield* becomes("Succeeded")
        const { index: until } = yield* nomad.jobs("")
        const eventsFrom = (from: number) =>
          nomad.events([`Job:${id}`, `Allocation:${id}`, `Evaluation:${id}`], Option.some(from)).pipe(
            Stream.filter(({ _tag }) => _tag !== "Connected"),
            Stream.interruptAfter("700 millis"),
            Stream.runCollect,
            Effect.map(Chunk.toReadonlyArray)
          )
        const all = yield* eventsFrom(index)
        assert.isAtLeast(all.length, 4)
        const middle = indexOf(all[Math.floor(all.length / 2)])
        assert.deepStrictEqual(
          yield* eventsFrom(middle),
          all.filter((event) => indexOf(event) >= middle)
        )
        assert.isAtLeast(until, index)
      })
    )

    it.scopedLive(
      "forgets what is old, and begins with what it still holds without a word",
      () =>
        Effect.gen(function* () {
          const { id, job, nomad } = yield* area
          const Constraints = [{ LTarget: "${attr.kernel.name}", RTarget: "plan9", Operand: "=" }]
          const { index } = yield* nomad.jobs("")
          for (let count = 0; count < 80; count += 1) {
            yield* nomad.register({ ...job("true", { Constraints }), ID: `${id}-${count}` })
          }
          const first = yield* nomad.events(["Job", "Evaluation"], Option.some(index)).pipe(
            Stream.filter(({ _tag }) => _tag !== "Connected"),
            Stream.runHead
          )
          assert.isAbove(indexOf(Option.getOrThrow(first)), index + 1)
        }),
      60_000
    )

    it.scopedLive("tells of a purge, if only by its evaluation", () =>
      Effect.gen(function* () {
        const { becomes, id, nomad, run } = yield* area
        yield* run("true")
        yield* becomes("Succeeded")
        const { index } = yield* nomad.jobs("")
        yield* nomad.stop(id, { purge: true })
        const told = yield* nomad.events(["Job", "Allocation", "Evaluation"], Option.some(index + 1)).pipe(
          Stream.filter((event) => "jobId" in event && event.jobId === id),
          Stream.take(1),
          Stream.runCollect,
          Effect.timeoutFail({ duration: "5 seconds", onTimeout: () => "nothing is told" })
        )
        assert.lengthOf(told, 1)
      })
    )

    it.scopedLive("is refused for a topic that has no form, and waited for then", () =>
      Effect.gen(function* () {
        const { nomad, raw } = yield* area
        const refused = yield* raw("GET", "/v1/event/stream?topic=Job:a:b")
        assert.strictEqual(refused.status, 400)
        assert.strictEqual((yield* raw("GET", "/v1/event/stream?index=abc")).status, 400)
        const waited = yield* nomad
          .events(["Job:a:b"], Option.none())
          .pipe(Stream.runHead, Effect.timeoutOption("1 second"), quiet)
        assert.deepStrictEqual(waited, Option.none())
      })
    )
  })

  // Last but one: it collects what other tests have finished.
  describe("garbage collection", () => {
    it.scopedLive("takes what has ended, not what runs or waits, and what it took may be created anew", () =>
      Effect.gen(function* () {
        const [running, waiting, done] = [yield* area, yield* area, yield* area]
        const Constraints = [{ LTarget: "${attr.kernel.name}", RTarget: "plan9", Operand: "=" }]
        const held = yield* running.run("sleep 30", { task: { KillTimeout: 500_000_000 } })
        yield* running.becomes("Running")
        yield* waiting.nomad.register(waiting.job("true", { Constraints }))
        yield* Effect.sleep("300 millis")
        yield* waiting.becomes("Queued")
        yield* done.run("exit 1")
        yield* done.becomes("CommandFailed")
        yield* done.nomad.systemGc()
        yield* done.becomes("Absent")
        assert.deepStrictEqual(yield* done.nomad.job(done.id), Option.none())
        assert.deepStrictEqual(yield* done.nomad.allocations(done.id), [])
        assert.strictEqual((yield* running.state())._tag, "Running")
        assert.isTrue(Option.isSome(yield* running.nomad.allocation(held)))
        assert.isTrue(Option.isSome((yield* waiting.becomes("Queued")).unplaced))
        yield* done.nomad.register(done.job("true"), { createOnly: true })
        yield* done.becomes("Succeeded")
      })
    )
  })
}
