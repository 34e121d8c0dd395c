import { assert, describe, it } from "@effect/vitest"
import { Chunk, Effect, Fiber, Option, Stream } from "effect"
import { file, nomadArea, type ScriptTask, unknownAllocation, utf8 } from "./nomadArea.ts"

const failure = <A, E extends { readonly _tag: string }>(effect: Effect.Effect<A, E>) =>
  Effect.map(Effect.flip(effect), ({ _tag }) => _tag)

export const fileConformance = (address: () => string, scriptTask: ScriptTask): void => {
  const area = Effect.suspend(() => nomadArea(address(), scriptTask))

  describe("logs", () => {
    it.scopedLive("are what the task wrote so far, stdout and stderr apart, from any offset", () =>
      Effect.gen(function* () {
        const { becomes, nomad, run } = yield* area
        const allocation = yield* run("echo one; echo wrong >&2; printf 'grün'; sleep 0.5")
        yield* becomes("Succeeded")
        const stdout = (options = {}) => Effect.map(nomad.logs(allocation, "main", "stdout", options), utf8)
        assert.strictEqual(yield* stdout(), "one\ngrün")
        assert.strictEqual(utf8(yield* nomad.logs(allocation, "main", "stderr")), "wrong\n")
        assert.strictEqual(yield* stdout({ offset: 4 }), "grün")
        assert.strictEqual(yield* stdout({ offset: 3, origin: "end" }), "ün")
        assert.strictEqual(yield* stdout({ offset: 1000 }), "")
        assert.strictEqual(yield* stdout({ limit: 3 }), "one")
      })
    )

    it.scopedLive("are complete, also when they are many", () =>
      Effect.gen(function* () {
        const { becomes, nomad, run } = yield* area
        const allocation = yield* run(
          'i=0; while [ $i -lt 6000 ]; do echo "line $i of many that are written at once"; i=$((i+1)); done; sleep 1'
        )
        yield* becomes("Succeeded")
        const lines = utf8(yield* nomad.logs(allocation, "main", "stdout")).split("\n")
        assert.lengthOf(lines, 6001)
        assert.deepStrictEqual(
          lines.slice(0, -1).map((line) => line.split(" ")[1]),
          Array.from({ length: 6000 }, (_, index) => String(index))
        )
      })
    )

    it.scopedLive("are followed while they are written, and from where a reader left off", () =>
      Effect.gen(function* () {
        const { becomes, nomad, run } = yield* area
        const allocation = yield* run("for i in 1 2 3; do echo $i; sleep 0.6; done; sleep 1")
        yield* becomes("Running")
        const follow = (offset: number) => nomad.followLogs(allocation, "main", "stdout", offset)
        const first = Chunk.unsafeHead(yield* Stream.runCollect(Stream.take(follow(0), 1)))
        assert.isTrue(utf8(first.data).startsWith("1\n"))
        assert.strictEqual(first.nextOffset, first.data.length)
        const rest = yield* follow(first.nextOffset).pipe(
          Stream.takeUntil(({ nextOffset }) => nextOffset >= 6),
          Stream.runCollect
        )
        assert.strictEqual(
          utf8(first.data) +
            Chunk.toReadonlyArray(rest)
              .map(({ data }) => utf8(data))
              .join(""),
          "1\n2\n3\n"
        )
      })
    )

    it.scopedLive("are followed on after the task has ended, until the follower has had enough", () =>
      Effect.gen(function* () {
        const { becomes, nomad, run } = yield* area
        const allocation = yield* run("echo done; sleep 0.3")
        yield* becomes("Succeeded")
        const fiber = yield* Effect.fork(Stream.runDrain(nomad.followLogs(allocation, "main", "stdout", 0)))
        yield* Effect.sleep("2 seconds")
        assert.isTrue(Option.isNone(yield* Fiber.poll(fiber)))
        yield* Fiber.interrupt(fiber)
      })
    )

    it.scopedLive("of an unknown task are Invalid, of an unknown allocation NotFound", () =>
      Effect.gen(function* () {
        const { becomes, nomad, run } = yield* area
        const allocation = yield* run("sleep 0.2")
        yield* becomes("Succeeded")
        assert.strictEqual(yield* failure(nomad.logs(allocation, "nope", "stdout")), "Invalid")
        assert.strictEqual(yield* failure(nomad.logs(unknownAllocation, "main", "stdout")), "NotFound")
        const unknown = Stream.runDrain(nomad.followLogs(unknownAllocation, "main", "stdout", 0))
        assert.strictEqual(yield* failure(unknown), "NotFound")
        assert.strictEqual(yield* failure(nomad.logs(allocation.slice(0, 8), "main", "stdout")), "Invalid")
      })
    )
  })

  describe("a file of an allocation", () => {
    it.scopedLive("is what the task wrote, after its end too; an absent one is none and a directory Invalid", () =>
      Effect.gen(function* () {
        const { becomes, nomad, run } = yield* area
        const allocation = yield* run(
          'printf \'{"digest":"sha256:1"}\' > "$NOMAD_TASK_DIR/result.json"; : > "$NOMAD_ALLOC_DIR/empty"; sleep 0.3'
        )
        yield* becomes("Succeeded")
        assert.strictEqual(file(yield* nomad.readFile(allocation, "main/local/result.json")), '{"digest":"sha256:1"}')
        assert.strictEqual(file(yield* nomad.readFile(allocation, "alloc/empty")), "")
        assert.deepStrictEqual(yield* nomad.readFile(allocation, "main/local/none.json"), Option.none())
        assert.deepStrictEqual(yield* nomad.readFile(allocation, "none/at/all"), Option.none())
        assert.deepStrictEqual(yield* nomad.readFile(unknownAllocation, "alloc/empty"), Option.none())
        assert.strictEqual(yield* failure(nomad.readFile(allocation, "main/local")), "Invalid")
      })
    )
  })
}
