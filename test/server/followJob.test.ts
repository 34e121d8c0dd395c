import { assert, describe, it } from "@effect/vitest"
import { Chunk, Effect, FastCheck, Fiber, Option, Stream } from "effect"
import { makeRedactor } from "../../src/redaction/Redactor.ts"
import type { LogItem } from "../../src/server/followJob.ts"
import { decodeCursor } from "../../src/server/LogCursor.ts"
import { headKept, tailKept } from "../../src/store/BoundedLog.ts"
import { attemptOf, jobId, jobLogs, type LogWorld, logWorld, NomadLog } from "./logWorld.ts"
import { eventually } from "../support/eventually.ts"

const line = (item: LogItem): string =>
  item.kind === "line" ? `${item.event.nomad_job_id} ${item.event.message}` : `end: ${item.end.reason}`

const numbered = (from: number, to: number, pad = ""): string =>
  Array.from({ length: to - from }, (_, at) => `line ${from + at}${pad}\n`).join("")

const build = attemptOf("build-1")
const over = { status: "SUCCEEDED" as const }

describe("followJob", () => {
  it.scopedLive("tells what is written while it is written, then the rest from the archive, and ends", () =>
    Effect.gen(function* () {
      const world = yield* logWorld([build])
      const { follow } = yield* jobLogs(world)
      world.write("allocbuild-1", "stdout", "one\n\ntwo\nhalf")
      const items: Array<string> = []
      const following = yield* follow(yield* world.found(), Option.none()).pipe(
        Stream.runForEach((item) => Effect.sync(() => items.push(line(item)))),
        Effect.fork
      )
      yield* eventually(
        "two lines came",
        Effect.sync(() => items.length === 2)
      )
      world.write("allocbuild-1", "stdout", " a line\nthree")
      world.write("allocbuild-1", "stderr", "warned\n")
      yield* eventually(
        "all whole lines came",
        Effect.sync(() => items.length === 4)
      )
      assert.sameMembers(items, [
        "build-1 [main/stdout] one",
        "build-1 [main/stdout] two",
        "build-1 [main/stdout] half a line",
        "build-1 [main/stderr] warned"
      ])
      yield* world.end("build-1")
      yield* world.set((status) => ({ ...status, ...over }))
      yield* Fiber.join(following)
      assert.deepStrictEqual(items.slice(4), ["build-1 [main/stdout] three", "end: succeeded"])
      assert.strictEqual(world.following, 0)
    })
  )

  it.scopedLive("tells each phase whole before the next, and tests as they run", () =>
    Effect.gen(function* () {
      const world = yield* logWorld([
        build,
        attemptOf("test-0", { phase: "test", test: { kind: "command", index: 0 } }),
        attemptOf("test-e", { phase: "test", test: { kind: "entry-point" } }),
        attemptOf("publish-1", { phase: "publish" }),
        attemptOf("cleanup-1", { phase: "cleanup" })
      ])
      const { follow } = yield* jobLogs(world)
      const names = ["build-1", "test-0", "test-e", "publish-1", "cleanup-1"]
      for (const name of names) {
        world.write(`alloc${name}`, "stderr", "b\n")
        world.write(`alloc${name}`, "stdout", "a\n")
        yield* world.end(name)
      }
      yield* world.set((status) => ({ ...status, status: "FAILED", reason: "Cancelled" }))
      const items = Chunk.toReadonlyArray(yield* Stream.runCollect(follow(yield* world.found(), Option.none())))
      const lines = items.map(line)
      assert.deepStrictEqual(lines.slice(0, 2), ["build-1 [main/stdout] a", "build-1 [main/stderr] b"])
      assert.sameMembers(lines.slice(2, 6), [
        "test-0 [main/stdout] a",
        "test-0 [main/stderr] b",
        "test-e [main/stdout] a",
        "test-e [main/stderr] b"
      ])
      assert.deepStrictEqual(lines.slice(6), [
        "publish-1 [main/stdout] a",
        "publish-1 [main/stderr] b",
        "end: cancelled"
      ])
      const tests = items.flatMap((item) => (item.kind === "line" && item.event.phase === "test" ? [item.event] : []))
      assert.sameMembers(
        tests.map(({ test }) => test),
        [0, 0, "entry-point", "entry-point"]
      )
    })
  )

  it.scopedLive("says what is not there", () =>
    Effect.gen(function* () {
      const world = yield* logWorld([build, attemptOf("build-2", { attempt: 2 }), attemptOf("build-3", { attempt: 3 })])
      const { follow } = yield* jobLogs(world)
      yield* world.end("build-1", { logs: "unavailable" })
      world.write("allocbuild-2", "stdout", "gone\n")
      yield* world.end("build-2")
      world.archived.clear()
      yield* world.end("build-3", {
        result: "failed",
        reason: "DriverFailure",
        message: "no driver",
        infrastructure: true
      })
      yield* world.set((status) => ({ ...status, status: "FAILED" }))
      const all = follow(yield* world.found(), Option.none())
      const items = Chunk.toReadonlyArray(yield* Stream.runCollect(all))
      assert.deepStrictEqual(items.map(line), [
        "build-1 Failed to get logs for build job (build-1): Nomad did not hand them out in time",
        "build-2 Failed to get logs for build job (build-2): the archive no longer keeps them",
        "build-3 Allocation allocbuild-3 failed",
        "build-3 Task main failed in state: dead",
        "build-3 Task main event: DriverFailure - no driver",
        "end: failed"
      ])
      // Each of them is told once, wherever a reader went away.
      for (const [at, item] of items.entries()) {
        const cursor = item.kind === "line" ? item.event.cursor : item.end.cursor
        const rest = yield* Stream.runCollect(follow(yield* world.found(), decodeCursor(cursor)))
        assert.deepStrictEqual(
          Chunk.toReadonlyArray(rest).map(line),
          items
            .slice(at + 1)
            .map(line)
            .concat(at === 5 ? ["end: failed"] : [])
        )
      }
    })
  )

  /** Takes a few lines of a log that is too long for the archive, and the rest once the attempt has ended. */
  const slowly = Effect.fnUntraced(function* (rows: number, atEnd: (world: LogWorld) => void) {
    const world = yield* logWorld([build])
    const pad = "x".repeat(1000)
    world.write("allocbuild-1", "stdout", numbered(0, rows, pad))
    world.write("allocbuild-1", "stderr", "")
    const { follow } = yield* jobLogs(world)
    const lines: Array<string> = []
    yield* Stream.runForEach(follow(yield* world.found(), Option.none()), (item) =>
      Effect.gen(function* () {
        lines.push(item.kind === "line" ? item.event.message.replace(pad, "") : line(item))
        if (lines.length !== 50) return
        yield* world.end("build-1")
        yield* world.set((status) => ({ ...status, ...over }))
        atEnd(world)
        yield* Effect.sleep("100 millis")
      })
    )
    return lines
  })
  const rows = Math.ceil((headKept + tailKept + 2_000_000) / 1000)
  const rowText = (at: number) => `[main/stdout] line ${at}`

  it.scopedLive("has what the archive lacks, as long as Nomad does", () =>
    Effect.gen(function* () {
      const lines = yield* slowly(rows, () => {})
      assert.deepStrictEqual(lines, [...Array.from({ length: rows }, (_, at) => rowText(at)), "end: succeeded"])
    })
  )

  it.scopedLive("marks what neither has any more, and doubles nothing", () =>
    Effect.gen(function* () {
      const lines = yield* slowly(rows, (world) => world.logs.clear())
      const mark = lines.findIndex((text) => text.includes("bytes were cut out here"))
      assert.isAbove(mark, 50)
      // Where it is cut stand halves of lines.
      const [before, after] = [lines.slice(0, mark - 1), lines.slice(mark + 2, -1)]
      assert.deepStrictEqual(
        before,
        before.map((_, at) => rowText(at))
      )
      assert.deepStrictEqual(
        after,
        after.map((_, at) => rowText(rows - after.length + at))
      )
      assert.isAbove(before.length + after.length, 4000)
    })
  )

  it.scopedLive("ends when the record has a newer run, and when the job is gone", () =>
    Effect.gen(function* () {
      const world = yield* logWorld([build])
      const { follow } = yield* jobLogs(world)
      const following = yield* Effect.fork(Stream.runLast(follow(yield* world.found(), Option.none())))
      yield* Effect.sleep("50 millis")
      yield* world.set((status) => ({ ...status, job_id: jobId.replace("6f", "7f"), attempts: [] }))
      const last = yield* Fiber.join(following)
      assert.strictEqual(Option.match(last, { onNone: () => "", onSome: line }), "end: superseded")
      const other = yield* logWorld([build])
      const { follow: followOther } = yield* jobLogs(other)
      const found = yield* other.found()
      other.isGone = true
      const end = yield* Stream.runLast(followOther(found, Option.none()))
      assert.strictEqual(Option.match(end, { onNone: () => "", onSome: line }), "end: not found")
    })
  )

  /** Follows to the end, but goes away after so many lines each time and comes back with the cursor of the last one. */
  const inSittings = Effect.fnUntraced(function* (
    world: LogWorld,
    sittings: ReadonlyArray<number>,
    between: (sitting: number) => Effect.Effect<void>
  ) {
    const { follow } = yield* jobLogs(world)
    const lines: Array<string> = []
    let cursor: string | undefined
    for (let sitting = 0; lines.at(-1)?.startsWith("end") !== true; sitting++) {
      const from = cursor === undefined ? Option.none() : decodeCursor(cursor)
      if (cursor !== undefined) assert.isTrue(Option.isSome(from), cursor)
      yield* follow(yield* world.found(), from).pipe(
        Stream.take(sittings[sitting] ?? 1_000_000),
        Stream.runForEach((item) =>
          Effect.sync(() => {
            lines.push(line(item))
            cursor = item.kind === "line" ? item.event.cursor : item.end.cursor
          })
        )
      )
      yield* between(sitting)
    }
    return lines
  })

  const sittings = FastCheck.array(FastCheck.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 12 })

  it.live("loses and doubles nothing, wherever a reader goes away and comes back", () =>
    Effect.promise(() =>
      FastCheck.assert(
        FastCheck.asyncProperty(
          sittings,
          FastCheck.integer({ min: 1, max: 200 }),
          FastCheck.integer({ min: 1, max: 97 }),
          FastCheck.boolean(),
          (cuts, total, frameBytes, isOver) =>
            Effect.gen(function* () {
              const world = yield* logWorld([build])
              world.frameBytes = frameBytes
              world.write("allocbuild-1", "stdout", numbered(0, total, " ümläut"))
              const end = Effect.zipRight(
                world.end("build-1"),
                world.set((status) => ({ ...status, ...over }))
              )
              // While it runs nobody gets more lines than there are.
              let left = total
              const running = isOver ? [] : cuts.filter((cut) => (left -= cut) >= 0)
              if (running.length === 0) yield* end
              const lines = yield* inSittings(world, isOver ? cuts : running, (sitting) =>
                sitting === running.length - 1 ? end : Effect.void
              )
              const wanted = Array.from({ length: total }, (_, at) => `build-1 [main/stdout] line ${at} ümläut`)
              assert.deepStrictEqual(lines, [...wanted, "end: succeeded"])
            }).pipe(Effect.scoped, Effect.runPromise)
        ),
        { numRuns: 40 }
      )
    )
  )

  it.live("finds its place in a log that is shown otherwise than it was written", () =>
    Effect.promise(() =>
      FastCheck.assert(
        FastCheck.asyncProperty(
          sittings,
          FastCheck.array(
            FastCheck.constantFrom(
              "plain",
              "the password is hunter2-hunter2",
              "first-line-of-it",
              "second-line-of-it",
              "ü"
            ),
            { minLength: 1, maxLength: 60 }
          ),
          FastCheck.integer({ min: 1, max: 97 }),
          (cuts, parts, frameBytes) =>
            Effect.gen(function* () {
              const world = yield* logWorld([build])
              world.redactor = makeRedactor(["hunter2-hunter2", "first-line-of-it\nsecond-line-of-it"])
              world.frameBytes = frameBytes
              const text = parts.map((part) => `${part}\n`).join("")
              // What may go on in the next line is kept back until that line is there.
              world.write("allocbuild-1", "stdout", `${text}an end\n`)
              const wanted = world.redactor
                .text(`${text}an end\n`)
                .split("\n")
                .filter((shown) => shown !== "")
                .map((shown) => `build-1 [main/stdout] ${shown}`)
              const end = Effect.zipRight(
                world.end("build-1"),
                world.set((status) => ({ ...status, ...over }))
              )
              let left = wanted.length
              const running = cuts.filter((cut) => (left -= cut) >= 0)
              if (running.length === 0) yield* end
              const lines = yield* inSittings(world, running, (sitting) =>
                sitting === running.length - 1 ? end : Effect.void
              )
              assert.deepStrictEqual(lines, [...wanted, "end: succeeded"])
            }).pipe(Effect.scoped, Effect.runPromise)
        ),
        { numRuns: 40 }
      )
    )
  )

  it.live("goes on behind the last line when the connection to Nomad breaks", () =>
    Effect.gen(function* () {
      const world = yield* logWorld([build])
      world.frameBytes = 50
      world.breaksAfter = 2
      world.write("allocbuild-1", "stdout", numbered(0, 40))
      const { follow } = yield* jobLogs(world)
      const lines = yield* Stream.runCollect(Stream.take(follow(yield* world.found(), Option.none()), 40))
      assert.deepStrictEqual(
        Chunk.toReadonlyArray(lines).map(line),
        Array.from({ length: 40 }, (_, at) => `build-1 [main/stdout] line ${at}`)
      )
    }).pipe(Effect.scoped)
  )

  it.live("finds its place again in a log whose beginning Nomad has thrown away", () =>
    Effect.promise(() =>
      FastCheck.assert(
        FastCheck.asyncProperty(sittings, FastCheck.integer({ min: 30, max: 300 }), (cuts, fileBytes) =>
          Effect.gen(function* () {
            const world = yield* logWorld([build])
            world.logs.set("allocbuild-1 stdout", new NomadLog(fileBytes, 4))
            world.write("allocbuild-1", "stderr", "")
            world.frameBytes = 64
            let written = 0
            const { follow } = yield* jobLogs(world)
            const lines: Array<string> = []
            let cursor = Option.none<string>()
            for (const cut of cuts) {
              // Never more at once than the files that are kept can hold.
              const more = Math.min(cut, Math.max(1, Math.floor(fileBytes / 12)))
              world.write("allocbuild-1", "stdout", numbered(written, written + more))
              written += more
              yield* follow(yield* world.found(), Option.flatMap(cursor, decodeCursor)).pipe(
                Stream.take(more),
                Stream.runForEach((item) =>
                  Effect.sync(() => {
                    lines.push(line(item))
                    if (item.kind === "line") cursor = Option.some(item.event.cursor)
                  })
                )
              )
            }
            assert.deepStrictEqual(
              lines,
              Array.from({ length: written }, (_, at) => `build-1 [main/stdout] line ${at}`)
            )
          }).pipe(Effect.scoped, Effect.runPromise)
        ),
        { numRuns: 20 }
      )
    )
  )
})
