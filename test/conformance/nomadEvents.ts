import { assert, describe, it } from "@effect/vitest"
import { Chunk, Deferred, Effect, Fiber, Option, Stream } from "effect"
import type { EventTopic, NomadEvent } from "../../src/nomad/NomadEvent.ts"
import { nomadArea, type ScriptTask } from "./nomadArea.ts"

const topicsOf = (id: string): ReadonlyArray<EventTopic> => [`Job:${id}`, `Allocation:${id}`, `Evaluation:${id}`]

const jobIdOf = (event: NomadEvent): Option.Option<string> =>
  "jobId" in event ? Option.some(event.jobId) : Option.none()

export const eventConformance = (address: () => string, scriptTask: ScriptTask): void => {
  const area = Effect.suspend(() => nomadArea(address(), scriptTask))

  describe("the event stream", () => {
    it.scopedLive("connects, and then tells each change of a job, its allocation and its evaluations", () =>
      Effect.gen(function* () {
        const { becomes, id, nomad, run } = yield* area
        const connected = yield* Deferred.make<void>()
        const { index } = yield* nomad.jobs("")
        const fiber = yield* nomad.events(topicsOf(id), Option.some(index)).pipe(
          Stream.tap((event) => (event._tag === "Connected" ? Deferred.succeed(connected, undefined) : Effect.void)),
          Stream.interruptAfter("3 seconds"),
          Stream.runCollect,
          Effect.fork
        )
        yield* Deferred.await(connected)
        const allocation = yield* run("sleep 1")
        yield* becomes("Succeeded")
        const [first, ...events] = Chunk.toReadonlyArray(yield* Fiber.join(fiber))
        assert.strictEqual(first?._tag, "Connected")
        const tags = events.map(({ _tag }) => _tag)
        assert.includeMembers(tags, ["JobChanged", "AllocationChanged", "EvaluationChanged"])
        assert.isTrue(events.every((event) => Option.contains(jobIdOf(event), id)))
        const allocations = events.filter((event) => event._tag === "AllocationChanged")
        assert.isTrue(allocations.every(({ allocationId }) => allocationId === allocation))
        // Placed, started, ended.
        assert.isAtLeast(allocations.length, 3)
        const indexes = events.map((event) => ("index" in event ? event.index : 0))
        assert.deepStrictEqual(
          indexes,
          indexes.toSorted((a, b) => a - b)
        )
      })
    )

    it.scopedLive("replays from an index what happened since, and refuses neither an old nor a future one", () =>
      Effect.gen(function* () {
        const { becomes, id, nomad, run } = yield* area
        const { index } = yield* nomad.jobs("")
        yield* run("true")
        yield* becomes("Succeeded")
        for (const from of [Option.none(), Option.some(1), Option.some(index)]) {
          const replayed = yield* nomad.events(topicsOf(id), from).pipe(Stream.take(4), Stream.runCollect)
          const [first, second] = Chunk.toReadonlyArray(replayed)
          assert.strictEqual(first?._tag, "Connected")
          assert.isTrue(second !== undefined && Option.contains(jobIdOf(second), id))
        }
        const future = yield* nomad
          .events(topicsOf(id), Option.some(99_999_999))
          .pipe(Stream.take(1), Stream.runCollect)
        assert.strictEqual(Chunk.unsafeHead(future)._tag, "Connected")
      })
    )

    it.scopedLive(
      "from an index that lies ahead tells what happens now: a restored cluster counts from an older one",
      () =>
        Effect.gen(function* () {
          const { id, job, nomad } = yield* area
          const connected = yield* Deferred.make<void>()
          const fiber = yield* nomad.events(topicsOf(id), Option.some(99_999_999)).pipe(
            Stream.tap((event) => (event._tag === "Connected" ? Deferred.succeed(connected, undefined) : Effect.void)),
            Stream.filter(({ _tag }) => _tag === "JobChanged"),
            Stream.runHead,
            Effect.timeoutOption("5 seconds"),
            Effect.fork
          )
          yield* Deferred.await(connected)
          yield* nomad.register(job("true"))
          assert.isTrue(Option.isSome(Option.flatten(yield* Fiber.join(fiber))))
        })
    )

    it.scopedLive("tells nothing of other jobs to who asked for one", () =>
      Effect.gen(function* () {
        const { becomes, id, nomad, run } = yield* area
        const fiber = yield* nomad
          .events(topicsOf(`${id}-other`), Option.none())
          .pipe(Stream.interruptAfter("1500 millis"), Stream.runCollect, Effect.fork)
        yield* run("true")
        yield* becomes("Succeeded")
        const events = Chunk.toReadonlyArray(yield* Fiber.join(fiber))
        assert.deepStrictEqual(
          events.map(({ _tag }) => _tag),
          ["Connected"]
        )
      })
    )
  })
}
