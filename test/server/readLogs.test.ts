import { assert, describe, it } from "@effect/vitest"
import { Chunk, Effect, FastCheck, Stream } from "effect"
import type { LogQuery } from "../../src/server/LogQuery.ts"
import { headKept, tailKept } from "../../src/store/BoundedLog.ts"
import { attemptOf, jobId, jobLogs, type LogWorld, logWorld, NomadLog } from "./logWorld.ts"

const build = attemptOf("build-1")
const command = (index: number, attempt = 1) =>
  attemptOf(`test-${index}-${attempt}`, { phase: "test", test: { kind: "command", index }, attempt })
const entry = attemptOf("test-e", { phase: "test", test: { kind: "entry-point" } })

const read = (world: LogWorld, query: LogQuery = {}) =>
  Effect.scoped(
    Effect.flatMap(jobLogs(world), ({ read: ask }) => Effect.flatMap(world.found(), (found) => ask(found, query)))
  )

const raw = (world: LogWorld, query: LogQuery = {}) =>
  Effect.gen(function* () {
    const logs = yield* jobLogs(world)
    const pieces = yield* Stream.runCollect(logs.raw(yield* world.found(), query))
    return Buffer.concat(Chunk.toReadonlyArray(pieces)).toString()
  }).pipe(Effect.scoped)

describe("readLogs", () => {
  it.effect("gives a list for each phase, in the form that clients know, running and ended alike", () =>
    Effect.gen(function* () {
      const world = yield* logWorld([build, command(0), entry])
      world.write("allocbuild-1", "stderr", "  warned\n")
      world.write("allocbuild-1", "stdout", "one\r\n\n   \ntwo")
      world.write("alloctest-0-1", "stdout", "passed\n")
      world.write("alloctest-0-1", "stderr", "")
      world.write("alloctest-e", "stdout", "")
      world.write("alloctest-e", "stderr", "hello\n")
      const lines = {
        build: ["[main/stdout] one", "[main/stdout] two", "[main/stderr]   warned"],
        test: [
          "=== Test Job 0 (test-0-1) ===",
          "[main/stdout] passed",
          "",
          "=== Test Job 1 (test-e) ===",
          "[main/stderr] hello",
          ""
        ],
        publish: []
      }
      assert.deepStrictEqual(yield* read(world), lines)
      yield* Effect.forEach(["build-1", "test-0-1", "test-e"], (id) => world.end(id))
      world.logs.clear()
      assert.deepStrictEqual(yield* read(world), lines)
    })
  )

  it.effect("tells the attempts of a step apart", () =>
    Effect.gen(function* () {
      const world = yield* logWorld([build, attemptOf("build-2", { attempt: 2 })])
      world.write("allocbuild-1", "stdout", "first\n")
      yield* world.end("build-1", { result: "failed", reason: "ChildLost", message: "lost", infrastructure: true })
      world.write("allocbuild-2", "stdout", "second\n")
      world.write("allocbuild-2", "stderr", "")
      assert.deepStrictEqual((yield* read(world)).build, [
        "=== Build Job, attempt 1 (build-1) ===",
        "[main/stdout] first",
        "=== Build Job, attempt 2 (build-2) ===",
        "[main/stdout] second"
      ])
      assert.deepStrictEqual((yield* read(world, { attempt: "last" })).build.at(-1), "[main/stdout] second")
    })
  )

  it.effect(
    "2.4: says in a line why there are none: no allocation, a log not handed out, a failure without output",
    () =>
      Effect.gen(function* () {
        const { allocation_id: _allocation, ...unplaced } = build
        const waiting = yield* logWorld([{ ...unplaced, waiting: "no node has 64 GiB" }])
        assert.deepStrictEqual((yield* read(waiting)).build, [
          "No allocations found - job may have failed to schedule",
          "no node has 64 GiB"
        ])
        const forgotten = yield* logWorld([build, command(2)])
        assert.deepStrictEqual((yield* read(forgotten, { phase: "build" })).build, [])
        yield* forgotten.end("test-2-1", { logs: "unavailable" })
        assert.deepStrictEqual((yield* read(forgotten, { grep: "nothing has this" })).test, [
          "=== Test Job 2 (test-2-1) ===",
          "Failed to get logs for test job 2 (test-2-1): Nomad did not hand them out in time",
          ""
        ])
        const failed = yield* logWorld([build])
        yield* failed.end("build-1", {
          result: "failed",
          reason: "DriverFailure",
          message: "no driver",
          infrastructure: true
        })
        assert.deepStrictEqual((yield* read(failed)).build, [
          "Allocation allocbuild-1 failed",
          "Task main failed in state: dead",
          "Task main event: DriverFailure - no driver"
        ])
      })
  )

  it.effect("does not say of a silent stream that its log is gone", () =>
    Effect.gen(function* () {
      const world = yield* logWorld([build])
      world.write("allocbuild-1", "stderr", "warned\n")
      yield* world.end("build-1")
      assert.deepStrictEqual((yield* read(world, { stream: "stdout" })).build, [])
      assert.strictEqual(yield* raw(world, { stream: "stdout" }), "")
      world.archived.clear()
      const why = "Failed to get logs for build job (build-1): the archive no longer keeps them"
      assert.deepStrictEqual((yield* read(world, { stream: "stdout" })).build, [why])
      assert.strictEqual(yield* raw(world, { stream: "stdout" }), `${why}\n`)
    })
  )

  it.effect("has the archive's very bounds while a log is still being written", () =>
    Effect.gen(function* () {
      const world = yield* logWorld([build])
      const row = `${"x".repeat(999)}\n`
      const log = new NomadLog()
      log.append(Buffer.from(row.repeat((headKept + tailKept) / 1000 + 2000)))
      world.logs.set("allocbuild-1 stdout", log)
      world.write("allocbuild-1", "stderr", "")
      const live = yield* read(world)
      const fetched = world.read
      const tail = yield* read(world, { tail: 100 })
      // The last lines alone don't cost the whole log.
      assert.isAtMost(world.read - fetched, 300_000)
      yield* world.end("build-1")
      world.logs.clear()
      assert.deepStrictEqual(yield* read(world), live)
      assert.deepStrictEqual((yield* read(world, { tail: 100 })).build, tail.build)
      assert.lengthOf(tail.build, 100)
      assert.lengthOf(
        live.build.filter((line) => line.includes("bytes were cut out here")),
        1
      )
    })
  )

  const limit = FastCheck.option(FastCheck.integer({ min: 1, max: 30 }), { nil: undefined })
  const output = FastCheck.array(FastCheck.constantFrom("error: a", "b", "", "warning (b)", "c".repeat(90)), {
    maxLength: 40
  })

  it.effect("chooses lines by grep, head and tail as one would from a list", () =>
    Effect.promise(() =>
      FastCheck.assert(
        FastCheck.asyncProperty(
          FastCheck.array(FastCheck.tuple(output, output, FastCheck.boolean()), { minLength: 1, maxLength: 4 }),
          FastCheck.option(FastCheck.constantFrom("b", "(", "error", "none"), { nil: undefined }),
          limit,
          limit,
          FastCheck.option(FastCheck.constantFrom("stdout" as const, "stderr" as const), { nil: undefined }),
          (tests, grep, head, tail, stream) =>
            Effect.gen(function* () {
              const attempts = tests.map((_, index) => command(index))
              const world = yield* logWorld(attempts)
              const all: Array<{ readonly id: string; readonly text: string }> = []
              for (const [index, [out, error, isOver]] of tests.entries()) {
                const id = `test-${index}-1`
                const written = { stdout: out, stderr: error }
                for (const name of ["stdout", "stderr"] as const) {
                  world.write(`alloc${id}`, name, written[name].map((text) => `${text}\n`).join(""))
                  if (stream !== undefined && stream !== name) continue
                  const found = written[name].filter((text) => text !== "" && text.includes(grep ?? ""))
                  all.push(...found.map((text) => ({ id, text: `[main/${name}] ${text}` })))
                }
                if (isOver) yield* world.end(id)
              }
              const first = head === undefined ? [] : all.slice(0, head)
              const last = tail === undefined ? [] : all.slice(Math.max(first.length, all.length - tail))
              const isWhole = head === undefined && tail === undefined
              const lines = isWhole ? all : [...first, ...last]
              const left = all.length - lines.length
              const wanted: Array<string> = []
              for (const { nomad_job_id: id } of attempts) {
                const own = lines.filter((line) => line.id === id)
                if (own.length === 0 && !(isWhole && grep === undefined)) continue
                wanted.push(`=== Test Job ${id.slice(5, 6)} (${id}) ===`, ...own.map(({ text }) => text), "")
              }
              const query: LogQuery = {
                ...(grep !== undefined && { grep }),
                ...(head !== undefined && { head }),
                ...(tail !== undefined && { tail }),
                ...(stream !== undefined && { stream })
              }
              const got = (yield* read(world, query)).test
              const gap = `[${left} lines were left out here]`
              const isGap = head !== undefined && tail !== undefined && left > 0
              assert.deepStrictEqual(
                got.filter((line) => line !== gap),
                wanted
              )
              assert.strictEqual(got.includes(gap), isGap)
            }).pipe(Effect.runPromise)
        ),
        { numRuns: 200 }
      )
    )
  )
})

describe("rawLogs", () => {
  it.effect("are the bytes of one stream, and several behind headlines", () =>
    Effect.gen(function* () {
      const world = yield* logWorld([build, command(0)])
      world.write("allocbuild-1", "stdout", "a\r\n\n\tb")
      yield* world.end("build-1")
      world.write("alloctest-0-1", "stdout", "live")
      world.write("alloctest-0-1", "stderr", "")
      assert.strictEqual(yield* raw(world, { phase: "build", stream: "stdout" }), "a\r\n\n\tb")
      assert.strictEqual(
        yield* raw(world),
        [
          "=== build-1 stdout ===\na\r\n\n\tb\n",
          "=== build-1 stderr ===\n",
          "=== test-0-1 stdout ===\nlive\n",
          "=== test-0-1 stderr ===\n"
        ].join("")
      )
    })
  )

  it.effect("are more than the archive will have while they are still being written", () =>
    Effect.gen(function* () {
      const world = yield* logWorld([build])
      const whole = Buffer.alloc(headKept + tailKept + 12_345, `${jobId}\n`)
      world.write("allocbuild-1", "stdout", whole)
      assert.strictEqual(yield* raw(world, { stream: "stdout" }), whole.toString())
    })
  )
})
