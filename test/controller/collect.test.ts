import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { collect } from "../../src/controller/collect.ts"
import type { Attempt } from "../../src/domain/Status.ts"
import { NotFound, Unavailable } from "../../src/http/ApiError.ts"
import { Nomad } from "../../src/nomad/Nomad.ts"
import * as NomadHttp from "../../src/nomad/NomadHttp.ts"
import { makeRedactor } from "../../src/redaction/Redactor.ts"
import { keysBelow } from "../../src/store/keys.ts"
import { LogArchive } from "../../src/store/LogArchive.ts"
import { scriptJob, startAgent } from "../embedded/nomad/agent.ts"
import { scripted } from "../embedded/nomad/scriptedDriver.ts"
import { embeddedConsul } from "../support/embeddedConsul.ts"
import { eventually } from "../support/eventually.ts"
import { plainNomad } from "../support/nomadClient.ts"

const keys = keysBelow("jobforge-service")

const redactor = makeRedactor(["broken-secret"])

const agent = Layer.unwrapScoped(
  Effect.map(
    startAgent(scripted({ failing: { runsMs: 0, exitCode: 3, stdout: "one\ntwo\n", stderr: "broken\n" } })),
    ({ address }) => NomadHttp.layerOf(plainNomad(address))
  )
)

const tester = Layer.merge(agent, Layer.provideMerge(LogArchive.layer(keys), embeddedConsul))

const attempt: Attempt = { nomad_job_id: "build-x-1", phase: "build", attempt: 1, intended_at: 0, seen: true }

/** A job that wrote something and failed. */
const failed = Effect.gen(function* () {
  const nomad = yield* Nomad
  yield* nomad.register(scriptJob("build-x-1", "failing").Job)
  yield* eventually(
    "it failed",
    Effect.map(nomad.allocations("build-x-1"), (rows) => rows.some(({ ClientStatus }) => ClientStatus === "failed"))
  )
  const allocationId = Option.map(Option.fromNullable((yield* nomad.allocations("build-x-1"))[0]), ({ ID }) => ID)
  return { allocationId, succeeded: false }
})

const text = (stream: "stdout" | "stderr") =>
  Effect.flatMap(LogArchive, (archive) =>
    Effect.map(archive.read("web", "build-x-1", stream), (bytes) => new TextDecoder().decode(bytes))
  )

describe("collect", () => {
  it.live("brings both streams to safety and shows how they end", () =>
    Effect.gen(function* () {
      const collected = yield* collect("web", attempt, yield* failed, redactor)
      assert.deepInclude(collected, { logs: "archived", logBytes: 15, logTruncated: false })
      assert.deepStrictEqual(collected.tail, ["[main/stdout] one", "[main/stdout] two", "[main/stderr] broken"])
      assert.strictEqual(yield* text("stdout"), "one\ntwo\n")
      assert.strictEqual(yield* text("stderr"), "broken\n")
    }).pipe(Effect.provide(tester), Effect.scoped)
  )

  it.live("finds what an interrupted pass brought to safety before Nomad forgot it", () =>
    Effect.gen(function* () {
      const nomad = yield* Nomad
      const allocation = yield* failed
      const first = yield* collect("web", attempt, allocation, redactor)
      const gone = new NotFound({ system: "nomad", operation: "logs", detail: "allocation not found" })
      const forgetful = { ...nomad, logs: () => Effect.fail(gone), readFile: () => Effect.succeedNone }
      const again = yield* Effect.provideService(collect("web", attempt, allocation, redactor), Nomad, forgetful)
      assert.deepStrictEqual(again, first)
      const never = yield* Effect.provideService(
        collect("web", { ...attempt, nomad_job_id: "build-x-2" }, allocation, redactor),
        Nomad,
        forgetful
      )
      assert.deepInclude(never, { logs: "none", logBytes: 0 })
    }).pipe(Effect.provide(tester), Effect.scoped)
  )

  it.live("has what the step has used in MB, from its result and from its failure alike", () =>
    Effect.gen(function* () {
      const nomad = yield* Nomad
      const allocation = yield* failed
      const usage = '{"cpu":250,"memory":1048577,"disk":2048}'
      const reports = {
        "alloc/result.json": `{"digest":"sha256:${"a".repeat(64)}","images":["r/a:1"],"usage":${usage}}`,
        "alloc/failure.json": `{"reason":"BuildFailed","exitCode":7,"message":"no","usage":${usage}}`
      }
      for (const [told, text] of Object.entries(reports)) {
        const bytes = Option.some(new TextEncoder().encode(text))
        const telling = {
          ...nomad,
          readFile: (_id: string, path: string) => Effect.succeed(path === told ? bytes : Option.none())
        }
        const collected = yield* Effect.provideService(collect("web", attempt, allocation, redactor), Nomad, telling)
        assert.deepStrictEqual(collected.usage, { cpu: 250, memory: 2, disk: 2 })
      }
    }).pipe(Effect.provide(tester), Effect.scoped)
  )

  it.live("asks only for reports that there can be", () =>
    Effect.gen(function* () {
      const nomad = yield* Nomad
      const { allocationId } = yield* failed
      const askedFor = Effect.fnUntraced(function* (phase: Attempt["phase"], succeeded: boolean) {
        const asked: Array<string> = []
        const noting = {
          ...nomad,
          readFile: (_id: string, path: string) => Effect.sync(() => (asked.push(path), Option.none<Uint8Array>()))
        }
        const child = { allocationId, succeeded }
        yield* Effect.provideService(collect("web", { ...attempt, phase }, child, redactor), Nomad, noting)
        return asked
      })
      assert.deepStrictEqual(yield* askedFor("test", true), [])
      assert.deepStrictEqual(yield* askedFor("test", false), ["alloc/failure.json"])
      assert.deepStrictEqual(yield* askedFor("build", true), ["alloc/result.json", "alloc/failure.json"])
    }).pipe(Effect.provide(tester), Effect.scoped)
  )

  it.live("takes no log for empty whose folder goes away under it", () =>
    Effect.gen(function* () {
      const nomad = yield* Nomad
      const allocation = yield* failed
      const asked = new Map<string, number>()
      const gone = new NotFound({
        system: "nomad",
        operation: "logs",
        detail: "log entry for task and log type not found"
      })
      const vanishing = {
        ...nomad,
        logs: (_id: string, _task: string, stream: string) =>
          Effect.suspend(() => {
            const times = (asked.get(stream) ?? 0) + 1
            asked.set(stream, times)
            return times === 1 ? Effect.succeed(new Uint8Array()) : Effect.fail(gone)
          }),
        readFile: () => Effect.succeedNone
      }
      const collected = yield* Effect.provideService(collect("web", attempt, allocation, redactor), Nomad, vanishing)
      assert.strictEqual(collected.logs, "none")
    }).pipe(Effect.provide(tester), Effect.scoped)
  )

  it.live("asks again for what can't be reached now", () =>
    Effect.gen(function* () {
      const nomad = yield* Nomad
      const allocation = yield* failed
      const away = new Unavailable({ system: "nomad", operation: "logs", detail: "no path to node" })
      const collected = yield* Effect.provideService(collect("web", attempt, allocation, redactor), Nomad, {
        ...nomad,
        logs: (id, task, stream, options) =>
          stream === "stderr" ? Effect.fail(away) : nomad.logs(id, task, stream, options)
      })
      assert.strictEqual(collected.logs, "unreachable")
      assert.strictEqual((yield* collect("web", attempt, allocation, redactor)).logs, "archived")
    }).pipe(Effect.provide(tester), Effect.scoped)
  )

  it.live("reads a huge log piece by piece, and of an endless one only what it keeps", () =>
    Effect.gen(function* () {
      const nomad = yield* Nomad
      const line = (number: number) => `line ${String(number).padStart(10, "0")}\n`
      const whole = Buffer.from(Array.from({ length: 700_000 }, (_, at) => line(at)).join(""))
      const asked: Array<number> = []
      // A repeating log of any size, without having to hold it.
      const serve = (size: number): Nomad["Type"] => ({
        ...nomad,
        readFile: () => Effect.succeedNone,
        logs: (_id, _task, stream, { limit = size, offset = 0, origin = "start" } = {}) => {
          if (stream === "stderr") return Effect.succeed(new Uint8Array())
          const from = origin === "start" ? offset : size - offset
          const length = Math.max(0, Math.min(limit, size - from))
          asked.push(length)
          const at = from % whole.length
          return Effect.succeed(Buffer.concat([whole.subarray(at, at + length), whole]).subarray(0, length))
        }
      })
      const collectFrom = (size: number) =>
        Effect.provideService(
          collect("web", attempt, { allocationId: Option.some("a"), succeeded: false }, redactor),
          Nomad,
          serve(size)
        )

      const large = yield* collectFrom(whole.length)
      assert.deepInclude(large, { logs: "archived", logBytes: whole.length, logTruncated: true })
      assert.isTrue((yield* text("stdout")).endsWith(line(699_999)))
      assert.isAtMost(Math.max(...asked), 4 * 1024 * 1024)

      asked.length = 0
      const endless = yield* collectFrom(10_000_000_000)
      assert.isTrue(endless.logTruncated)
      assert.isAtMost(asked.length, 65)
      assert.match(yield* text("stdout"), /\[more than \d+ bytes were cut out here\]/)
    }).pipe(Effect.provide(tester), Effect.scoped)
  )

  it.live("keeps no secret, neither of a log nor of its end nor of what the step says about itself", () =>
    Effect.gen(function* () {
      const nomad = yield* Nomad
      const slice = 4 * 1024 * 1024
      const line = "x".repeat(99)
      const head = `${line}\n`.repeat(Math.ceil(slice / 100)).slice(0, slice - 6)
      const whole = Buffer.from(`${head}broken-secret\nthe end: YnJva2VuLXNlY3JldA==\n`)
      const failure = { reason: "RepositoryUnreachable", message: "no way to https://me:pw@git.example.com/x" }
      const served: Nomad["Type"] = {
        ...nomad,
        readFile: (_id, path) =>
          Effect.succeed(path.includes("failure") ? Option.some(Buffer.from(JSON.stringify(failure))) : Option.none()),
        logs: (_id, _task, stream, { limit = slice, offset = 0 } = {}) =>
          Effect.succeed(stream === "stderr" ? new Uint8Array() : whole.subarray(offset, offset + limit))
      }
      const collected = yield* Effect.provideService(
        collect("web", attempt, { allocationId: Option.some("a"), succeeded: false }, redactor),
        Nomad,
        served
      )
      assert.deepStrictEqual(collected.tail.slice(-1), ["[main/stdout] the end: [redacted]"])
      const told = Option.map(collected.failure, ({ message }) => message)
      assert.deepStrictEqual(told, Option.some("no way to https://[redacted]@git.example.com/x"))
      const kept = yield* text("stdout")
      assert.isTrue(kept.endsWith(`x[redacted]\nthe end: [redacted]\n`), kept.slice(-200))
      assert.notInclude(kept, "broken")
    }).pipe(Effect.provide(tester), Effect.scoped)
  )

  it.live("shows nothing of the line in which the end of an endless log begins", () =>
    Effect.gen(function* () {
      const nomad = yield* Nomad
      const end = Buffer.from(`secret\nnext line\n`)
      const served: Nomad["Type"] = {
        ...nomad,
        readFile: () => Effect.succeedNone,
        logs: (_id, _task, stream, { limit = 0, origin = "start" } = {}) =>
          Effect.succeed(
            stream === "stderr" ? new Uint8Array() : origin === "end" ? end : Buffer.alloc(limit, "line\n")
          )
      }
      yield* Effect.provideService(
        collect("web", attempt, { allocationId: Option.some("a"), succeeded: false }, redactor),
        Nomad,
        served
      )
      assert.match(yield* text("stdout"), /cut out here\]\nnext line\n$/)
    }).pipe(Effect.provide(tester), Effect.scoped)
  )
})
