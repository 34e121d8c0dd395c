import { assert, describe, it } from "@effect/vitest"
import { Chunk, Effect, Option, Stream } from "effect"
import { nomadArea, type ScriptTask, utf8 } from "./nomadArea.ts"

const failure = <A, E extends { readonly _tag: string }>(effect: Effect.Effect<A, E>) =>
  Effect.map(Effect.flip(effect), ({ _tag }) => _tag)

/** Some 3.6 MB in lines of 60 bytes. */
const muchOutput =
  'i=0; while [ $i -lt 600 ]; do j=0; b=; while [ $j -lt 100 ]; do b="$b$(( i * 100 + j + 100000 )) 0123456789012345678901234567890123456789012345678901\n"; j=$((j+1)); done; printf "$b"; i=$((i+1)); done; sleep 1'

export const outputConformance = (address: () => string, scriptTask: ScriptTask): void => {
  const area = Effect.suspend(() => nomadArea(address(), scriptTask))

  describe("output", () => {
    it.scopedLive(
      "beyond its bound loses its oldest files without a mark, and offsets count from what is left",
      () =>
        Effect.gen(function* () {
          const { becomes, nomad, run } = yield* area
          const allocation = yield* run(muchOutput, { task: { LogConfig: { MaxFiles: 2, MaxFileSizeMB: 1 } } })
          yield* becomes("Succeeded")
          const kept = yield* nomad.logs(allocation, "main", "stdout")
          assert.isAbove(kept.length, 1024 * 1024)
          assert.isAtMost(kept.length, 2 * 1024 * 1024 + 65_536)
          const lines = utf8(kept).split("\n").slice(1, -1)
          const numbers = lines.map((line) => Number(line.slice(0, 6)))
          assert.strictEqual(numbers.at(-1), 159_999)
          assert.deepStrictEqual(
            numbers,
            numbers.map((_, index) => (numbers[0] ?? 0) + index)
          )
          const tail = yield* nomad.logs(allocation, "main", "stdout", { offset: kept.length - 120 })
          assert.strictEqual(utf8(tail), utf8(kept.subarray(-120)))
          const frames = yield* nomad.followLogs(allocation, "main", "stdout", 0).pipe(
            Stream.takeUntil(({ nextOffset }) => nextOffset >= kept.length),
            Stream.runCollect,
            Effect.map(Chunk.toReadonlyArray)
          )
          const numbersOf = frames.map(({ file }) => Number(/^alloc\/logs\/main\.stdout\.(\d+)$/u.exec(file)?.[1]))
          assert.deepStrictEqual(
            numbersOf,
            numbersOf.toSorted((a, b) => a - b)
          )
          assert.lengthOf(new Set(numbersOf), 2)
          assert.isAbove(numbersOf[0] ?? 0, 0)
          assert.isAtMost(Math.max(...frames.map(({ data }) => data.length)), 65_536)
          assert.strictEqual(frames.at(-1)?.nextOffset, kept.length)
        }),
      60_000
    )

    it.scopedLive("of a task that never started is nothing yet: none to read, and Unavailable to follow", () =>
      Effect.gen(function* () {
        const { becomes, nomad, run } = yield* area
        const { Config, ...task } = scriptTask("true")
        const allocation = yield* run("true", { task: { ...task, Config: { ...Object(Config), nosuch: 1 } } })
        yield* becomes("NeverStarted")
        for (const stream of ["stdout", "stderr"] as const) {
          assert.lengthOf(yield* nomad.logs(allocation, "main", stream), 0)
          const follow = Stream.runDrain(nomad.followLogs(allocation, "main", stream, 0))
          assert.strictEqual(yield* failure(follow), "Unavailable")
        }
      })
    )

    it.scopedLive("that pauses is followed by a sign of life every second", () =>
      Effect.gen(function* () {
        const { becomes, open, run } = yield* area
        const allocation = yield* run("printf quiet; sleep 6")
        yield* becomes("Running")
        const path = `/v1/client/fs/logs/${allocation}?task=main&type=stdout&plain=false&follow=true&origin=start&offset=0`
        const { body, status } = yield* open(path)
        assert.strictEqual(status, 200)
        const text = yield* body.pipe(Stream.decodeText(), Stream.interruptAfter("3500 millis"), Stream.mkString)
        assert.isAtLeast(text.split("{}").length - 1, 2)
        const frame = text.split("{}").find((piece) => piece.trim() !== "")
        assert.deepInclude(JSON.parse(frame ?? "{}"), {
          Data: Buffer.from("quiet").toString("base64"),
          File: "alloc/logs/main.stdout.0",
          Offset: 5
        })
      })
    )

    it.scopedLive("is gone when its client has cleaned up, files too, while the allocation is still known", () =>
      Effect.gen(function* () {
        const { becomes, nomad, raw, run, state } = yield* area
        const allocation = yield* run('echo out; : > "$NOMAD_ALLOC_DIR/made"; sleep 0.3')
        yield* becomes("Succeeded")
        assert.strictEqual((yield* raw("GET", `/v1/client/allocation/${allocation}/gc`)).status, 200)
        yield* Effect.sleep("300 millis")
        assert.strictEqual(yield* failure(nomad.logs(allocation, "main", "stdout")), "NotFound")
        const follow = Stream.runDrain(nomad.followLogs(allocation, "main", "stdout", 0))
        assert.strictEqual(yield* failure(follow), "NotFound")
        assert.deepStrictEqual(yield* nomad.readFile(allocation, "alloc/made"), Option.none())
        assert.strictEqual((yield* state())._tag, "Succeeded")
      })
    )
  })

  describe("a file", () => {
    it.scopedLive("may have 1 MiB and no byte more, and may not lie outside or among secrets", () =>
      Effect.gen(function* () {
        const { becomes, nomad, run } = yield* area
        const allocation = yield* run(
          'head -c 1048576 /dev/zero > "$NOMAD_ALLOC_DIR/full"; head -c 1048577 /dev/zero > "$NOMAD_ALLOC_DIR/over"; sleep 0.3'
        )
        yield* becomes("Succeeded")
        assert.lengthOf(Option.getOrThrow(yield* nomad.readFile(allocation, "alloc/full")), 1_048_576)
        assert.strictEqual(yield* failure(nomad.readFile(allocation, "alloc/over")), "Invalid")
        for (const path of ["../../../etc/hostname", "main/../../../etc/hostname", "main/secrets/any"]) {
          const answer = yield* Effect.either(nomad.readFile(allocation, path))
          assert.isFalse(answer._tag === "Right" && Option.isSome(answer.right), path)
        }
      })
    )

    it.scopedLive("is read while its task writes it", () =>
      Effect.gen(function* () {
        const { nomad, run, says } = yield* area
        const allocation = yield* run('printf one > "$NOMAD_ALLOC_DIR/made"; echo ready; sleep 5')
        yield* says(allocation, "ready")
        assert.strictEqual(utf8(Option.getOrThrow(yield* nomad.readFile(allocation, "alloc/made"))), "one")
      })
    )
  })
}
