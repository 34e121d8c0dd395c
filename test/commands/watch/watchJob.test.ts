import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Logger, Option, Queue, type Scope } from "effect"
import { brokenRef, endlessRef, failingTest } from "../../../scripts/chaos/modelDriver.ts"
import type { JobInput } from "../../../src/api/Requests.ts"
import { errorOf } from "../../../src/client/errorOf.ts"
import { JobForge } from "../../../src/client/JobForge.ts"
import { CommandError } from "../../../src/commands/CommandError.ts"
import { Io, type Screen } from "../../../src/commands/Io.ts"
import { eventLine } from "../../../src/commands/watch/eventLine.ts"
import { exitOf } from "../../../src/commands/watch/exitOf.ts"
import { watchJob } from "../../../src/commands/watch/watchJob.ts"
import { httpDesk } from "../../server/httpDesk.ts"
import { setStage, type Stage } from "../../zoo/support/Stage.ts"
import { recordedIo } from "../support/recordedIo.ts"
import { TerminalModel } from "../terminal/TerminalModel.ts"

const staged = <A, E>(play: (client: JobForge, stage: Stage) => Effect.Effect<A, E, Scope.Scope>) =>
  Effect.gen(function* () {
    const stage = yield* setStage
    yield* stage.serve()
    const { url } = yield* httpDesk({ consul: stage.consul, nomad: stage.nomad })
    yield* play(new JobForge(url), stage)
  }).pipe(Effect.provide(Logger.remove(Logger.defaultLogger)))

const call = <A>(promise: () => Promise<A>) => Effect.tryPromise({ try: promise, catch: errorOf })

const submit = (client: JobForge, image: string, more: Partial<JobInput> = {}) =>
  Effect.map(
    call(() =>
      client.submitJob({
        owner: "zoo",
        repo_url: "https://git.example.com/zoo/app.git",
        image_name: `zoo/${image}`,
        image_tags: ["latest"],
        registry_url: "registry.example.com:5000",
        ...more
      })
    ),
    ({ job_id }) => job_id
  )

const options = (client: JobForge, id: string, knownTags: ReadonlyArray<string> = []) => ({
  id,
  knownTags,
  serviceUrl: client.baseUrl,
  program: "jobforge"
})

const header = (client: JobForge, id: string, image: string) => [
  `Watching job: ${id}`,
  `Service URL: ${client.baseUrl}`,
  "Repository: https://git.example.com/zoo/app.git",
  `Building: registry.example.com:5000/zoo/${image}`,
  ""
]

const untimed = (text: string): ReadonlyArray<string> =>
  text.split("\n").map((line) => line.replace(/^\[\d\d:\d\d:\d\d\]/, "[15:04:05]"))

/** A terminal of this size, as the watch sees it, and everything that it was sent. */
const makeTerminal = (columns: number, rows: number) =>
  Effect.gen(function* () {
    const model = new TerminalModel(columns, rows)
    const errors: Array<string> = []
    const screens: Array<string> = []
    const changes = yield* Queue.unbounded<void>()
    const screen: Screen = {
      size: Effect.sync(() => ({ columns: model.columns, rows: model.rows })),
      resized: Queue.take(changes),
      colour: true
    }
    const io = Io.of({
      ...recordedIo({ screen: Option.some(screen) }).io,
      out: (text) =>
        Effect.sync(() => {
          model.write(text)
          screens.push(model.lines().join("\n"))
        }),
      err: (text) => Effect.sync(() => void errors.push(text))
    })
    const resize = (toColumns: number, toRows: number) =>
      Effect.suspend(() => {
        model.resize(toColumns, toRows)
        return Queue.offer(changes, undefined)
      })
    return { model, io, screens, errors, resize }
  })

describe("watchJob in plain lines", () => {
  it.scopedLive("tells a job that succeeds in exactly the documented lines, with the tags that the caller knows", () =>
    staged((client) =>
      Effect.gen(function* () {
        const id = yield* submit(client, "good", { test: { entry_point: true } })
        const io = recordedIo()
        const state = yield* watchJob(client, options(client, id, ["latest", "v1"])).pipe(
          Effect.provideService(Io, io.io)
        )
        assert.strictEqual(state.status, "SUCCEEDED")
        assert.deepStrictEqual(untimed(io.out()), [
          ...header(client, id, "good"),
          "[15:04:05] ⏳ Status: PENDING",
          "[15:04:05] 🔨 Status: BUILDING | Phase: build",
          "[15:04:05] 🧪 Status: TESTING | Phase: test",
          "[15:04:05] 📦 Status: PUBLISHING | Phase: publish",
          "[15:04:05] ✅ Status: SUCCEEDED",
          "",
          "✅ Job completed successfully",
          "Published: registry.example.com:5000/zoo/good:latest",
          "Published: registry.example.com:5000/zoo/good:v1",
          ""
        ])
        assert.strictEqual(io.err(), "")
        const again = recordedIo()
        yield* watchJob(client, options(client, id)).pipe(Effect.provideService(Io, again.io))
        assert.include(again.out(), `\nPublished: registry.example.com:5000/zoo/good:${id}\n`)
      })
    )
  )

  it.scopedLive("tells a job that fails with its phase and the lines of that phase", () =>
    staged((client) =>
      Effect.gen(function* () {
        const id = yield* submit(client, "red", { test: { commands: [failingTest] } })
        const io = recordedIo()
        const state = yield* watchJob(client, options(client, id)).pipe(Effect.provideService(Io, io.io))
        const { logs } = yield* call(() => client.getLogs(id, { phase: "test" }))
        assert.isNotEmpty(logs.test)
        assert.deepStrictEqual(untimed(io.out()), [
          ...header(client, id, "red"),
          "[15:04:05] ⏳ Status: PENDING",
          "[15:04:05] 🔨 Status: BUILDING | Phase: build",
          "[15:04:05] 🧪 Status: TESTING | Phase: test",
          `[15:04:05] ❌ Status: FAILED | Phase: test | Error: ${state.error}`,
          "",
          `❌ Job failed: ${state.error}`,
          "Failed phase: test",
          "Test logs:",
          ...logs.test,
          ""
        ])
      })
    )
  )

  it.scopedLive("tells a job that is killed while it is watched", () =>
    staged((client, stage) =>
      Effect.gen(function* () {
        const id = yield* submit(client, "slow", { git_ref: endlessRef })
        const io = recordedIo()
        const watching = yield* watchJob(client, options(client, id)).pipe(
          Effect.provideService(Io, io.io),
          Effect.fork
        )
        yield* stage.until(id, ({ status }) => status === "BUILDING")
        yield* call(() => client.killJob(id))
        const state = yield* Fiber.join(watching)
        assert.deepStrictEqual([state.status, state.reason], ["FAILED", "Cancelled"])
        const lines = untimed(io.out())
        assert.deepStrictEqual(lines.slice(0, 11), [
          ...header(client, id, "slow"),
          "[15:04:05] ⏳ Status: PENDING",
          "[15:04:05] 🔨 Status: BUILDING | Phase: build",
          "[15:04:05] ❌ Status: FAILED | Phase: build | Error: Job killed by user",
          "",
          "❌ Job failed: Job killed by user",
          "Failed phase: build"
        ])
      })
    )
  )

  it.scopedLive("is what NO_COLOR and a dumb terminal get, and takes the times from the record", () =>
    staged((client) =>
      Effect.gen(function* () {
        const id = yield* submit(client, "app")
        yield* call(() => client.wait(id))
        const { model, io } = yield* makeTerminal(80, 24)
        for (const environment of [{ NO_COLOR: "1" }, { TERM: "dumb" }]) {
          const plain = recordedIo({ environment, screen: io.screen })
          const state = yield* watchJob(client, options(client, id)).pipe(Effect.provideService(Io, plain.io))
          // oxlint-disable-next-line no-control-regex
          assert.notMatch(plain.out(), /\u001b/)
          assert.include(plain.out(), `[${state.metrics.job_end?.slice(11, 19)}] ✅ Status: SUCCEEDED\n`)
        }
        assert.isTrue(model.lines().every((line) => line === ""))
      })
    )
  )

  it.scopedLive("says on stderr how to watch again and to kill when it is interrupted, and the job goes on", () =>
    staged((client, stage) =>
      Effect.gen(function* () {
        const id = yield* submit(client, "long", { git_ref: endlessRef })
        for (const terminal of [yield* makeTerminal(80, 24), undefined]) {
          const plain = recordedIo()
          const io = terminal?.io ?? plain.io
          const watching = yield* watchJob(client, {
            ...options(client, id),
            program: "jobforge -u http://forge.example"
          }).pipe(Effect.provideService(Io, io), Effect.fork)
          yield* stage.until(id, ({ status }) => status === "BUILDING")
          yield* Effect.sleep("200 millis")
          const exit = yield* Fiber.interrupt(watching)
          assert.isTrue(Exit.isFailure(exit) && Cause.isInterruptedOnly(exit.cause))
          assert.strictEqual(
            terminal?.errors.join("") ?? plain.err(),
            `Stopped watching: job ${id} goes on.\nWatch it again: jobforge -u http://forge.example watch ${id}\nKill it: jobforge -u http://forge.example kill-job ${id}\n`
          )
          if (terminal !== undefined) {
            assert.deepStrictEqual([terminal.model.cursorShown, terminal.model.isAlternate], [true, false])
          }
        }
        assert.strictEqual((yield* call(() => client.getStatus(id))).status, "BUILDING")
      })
    )
  )

  it.scopedLive("fails with the client's own error for a job that there is not", () =>
    staged((client) =>
      Effect.gen(function* () {
        const io = recordedIo()
        const error = yield* watchJob(client, options(client, "nobody")).pipe(
          Effect.provideService(Io, io.io),
          Effect.flip
        )
        assert.deepStrictEqual([error._tag, io.out()], ["JobMissing", ""])
      })
    )
  )
})

describe("watchJob in a terminal", () => {
  it.scopedLive("shows the job while it runs, and leaves its end below what stood there before", () =>
    staged((client) =>
      Effect.gen(function* () {
        const id = yield* submit(client, "good", { test: { commands: ["true"] } })
        const { io, model, screens } = yield* makeTerminal(80, 24)
        yield* watchJob(client, options(client, id, ["v1"])).pipe(Effect.provideService(Io, io))
        assert.isTrue(screens.some((screen) => /^🔨 BUILDING \d+s {2}/.test(screen) && screen.includes("\n── log ")))
        const lines = model.lines()
        assert.match(lines[0] ?? "", new RegExp(`^✅ SUCCEEDED \\d+s  ${id}$`))
        assert.deepStrictEqual(
          lines.filter((line) => /^ *✅/.test(line)).map((line) => line.replaceAll(/ +\d+s .*$/g, "")),
          ["✅ SUCCEEDED", "✅ build", "✅ test", "   ✅", "✅ publish", "✅ Job completed successfully"]
        )
        assert.include(lines, "Published: registry.example.com:5000/zoo/good:v1")
        assert.deepStrictEqual([model.cursorShown, model.isAlternate, model.refused.length], [true, false, 0])
      })
    )
  )

  it.scopedLive(
    "ends a failed job with its log's last lines and what to do, for the size that the window has by then",
    () =>
      staged((client) =>
        Effect.gen(function* () {
          const id = yield* submit(client, "red", { git_ref: brokenRef })
          const { io, model, resize } = yield* makeTerminal(80, 40)
          const watching = yield* watchJob(client, options(client, id)).pipe(Effect.provideService(Io, io), Effect.fork)
          yield* resize(400, 40)
          yield* call(() => client.wait(id))
          const state = yield* Fiber.join(watching)
          const { next_action: action } = yield* call(() => client.diagnosis(id))
          const text = model.lines().join("\n").trimEnd()
          assert.include(
            text,
            `\n❌ Job failed: ${state.error}\nFailed phase: build\nBuild logs:\n[main/stdout] build-`
          )
          assert.isTrue(text.endsWith(`\n\nWhat to do: ${action}`), text)
        })
      )
  )

  it.scopedLive("says that the service doesn't answer and goes on when it does again", () =>
    staged((client, stage) =>
      Effect.gen(function* () {
        const id = yield* submit(client, "away", { git_ref: endlessRef })
        yield* stage.until(id, ({ status }) => status === "BUILDING")
        let cut = new AbortController()
        const unsteady = new JobForge({
          baseUrl: client.baseUrl,
          fetch: (input, init) =>
            fetch(input, { ...init, signal: AbortSignal.any([init?.signal, cut.signal].flatMap((one) => one ?? [])) })
        })
        const { io, model } = yield* makeTerminal(100, 24)
        const watching = yield* watchJob(unsteady, options(client, id)).pipe(Effect.provideService(Io, io), Effect.fork)
        const until = (isThere: () => boolean) =>
          Effect.repeat(Effect.sleep("20 millis"), { until: isThere, times: 500 }).pipe(
            Effect.tap(() => assert.isTrue(isThere(), model.lines().join("\n")))
          )
        const says = (words: string) => model.lines().join("\n").includes(words)
        yield* until(() => says("BUILDING"))
        cut.abort()
        yield* until(() => says("❗ http://127.0.0.1:"))
        cut = new AbortController()
        yield* call(() => client.killJob(id))
        const state = yield* Fiber.join(watching)
        assert.deepStrictEqual([state.status, state.reason], ["FAILED", "Cancelled"])
      })
    )
  )
})

describe("exitOf", () => {
  it.effect("tells a success, a failure and a cancelled job apart", () =>
    Effect.gen(function* () {
      yield* exitOf({ status: "SUCCEEDED" })
      const failure = yield* Effect.flip(exitOf({ status: "FAILED", reason: "TestFailed" }))
      assert.deepStrictEqual(failure, new CommandError({ message: "job failed", exitCode: 1 }))
      const cancelled = yield* Effect.flip(exitOf({ status: "FAILED", reason: "Cancelled" }))
      assert.deepStrictEqual([cancelled.message.startsWith("job failed"), cancelled.exitCode], [true, 3])
    })
  )
})

describe("eventLine", () => {
  it("is one line, whatever an error says", () => {
    const base = { job_id: "1", timestamp: "2026-01-31T09:30:00.000Z", index: 3 }
    assert.strictEqual(eventLine({ ...base, status: "PENDING" }), "2026-01-31T09:30:00.000Z  PENDING")
    assert.strictEqual(
      eventLine({ ...base, status: "FAILED", failed_phase: "test", reason: "TestFailed", error: "exit\n3\u001b[2J" }),
      "2026-01-31T09:30:00.000Z  FAILED      test     TestFailed: exit 3"
    )
  })
})
