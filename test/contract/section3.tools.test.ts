import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Schema } from "effect"
import { record } from "../zoo/support/Stage.ts"
import { keys } from "../server/deskOf.ts"
import { fromJson, textOf, toJson, toolResult } from "../server/rpcDesk.ts"
import { broken, ended, endless, scene, submitted } from "../server/rpcScenes.ts"

const pretty = (text: string) => JSON.stringify(JSON.parse(text), null, 2)

describe("the interface's section 3.2", () => {
  it.scopedLive("3.2: submitJob: takes a BuildJob, answers with job_id and status, and the record is there", () =>
    scene((desk, stage) =>
      Effect.gen(function* () {
        const answer = yield* desk.tool("submitJob", record("web"))
        const { job_id: id, ...rest } = fromJson(textOf(answer))
        assert.deepStrictEqual(rest, { status: "PENDING" })
        assert.deepStrictEqual(toolResult(answer).structuredContent, { job_id: id, status: "PENDING" })
        assert.isDefined(Option.getOrUndefined(yield* stage.consul.get(`${keys.jobs}${String(id)}`)))
        const end = toolResult(yield* desk.tool("waitForJob", { job_id: id })).structuredContent
        assert.strictEqual(end?.["status"], "SUCCEEDED")
      })
    )
  )

  it.scopedLive("3.2: getStatus: error, job_id, phase and status, of which phase is the one that failed", () =>
    scene((desk) =>
      Effect.gen(function* () {
        const good = yield* ended(desk, record("good"))
        const well = yield* desk.tool("getStatus", { job_id: good })
        assert.deepStrictEqual(fromJson(textOf(well)), { error: "", job_id: good, phase: "", status: "SUCCEEDED" })
        assert.match(String(toolResult(well).structuredContent?.["digest"]), /^sha256:/)
        const bad = yield* ended(desk, broken)
        const failed = yield* desk.tool("getStatus", { job_id: bad })
        const { error, ...rest } = fromJson(textOf(failed))
        assert.deepStrictEqual(rest, { job_id: bad, phase: "build", status: "FAILED" })
        assert.notStrictEqual(error, "")
        // Two spaces, keys in order.
        assert.strictEqual(textOf(failed), pretty(textOf(failed)))
        assert.deepStrictEqual(Object.keys(fromJson(textOf(failed))), ["error", "job_id", "phase", "status"])
      })
    )
  )

  it.scopedLive("3.2: getLogs: lines of all phases, or a list for one; what they say is marked as untrusted", () =>
    scene((desk) =>
      Effect.gen(function* () {
        const id = yield* ended(desk, record("logs", { test: { commands: ["true"] } }))
        const all = yield* desk.tool("getLogs", { job_id: id })
        const phases = fromJson(textOf(all))
        assert.deepStrictEqual(Object.keys(phases), ["build", "publish", "test"])
        assert.include(toJson(phases["build"]), `[main/stdout] build-${id}`)
        assert.match(toolResult(all).content[1]?.text ?? "", /untrusted/)
        const one = yield* desk.tool("getLogs", { job_id: id, phase: "build" })
        assert.deepStrictEqual(Schema.decodeUnknownSync(Schema.parseJson(Schema.Unknown))(textOf(one)), phases["build"])
        const nonsense = yield* desk.tool("getLogs", { job_id: id, phase: "bild" })
        assert.match(textOf(nonsense), /^Invalid params\n- phase must be one of build, test, publish\n/)
      })
    )
  )

  it.scopedLive("3.2: killJob: ends it with the text that clients know", () =>
    scene((desk, stage) =>
      Effect.gen(function* () {
        const id = yield* submitted(desk, endless)
        yield* stage.until(id, ({ status }) => status === "BUILDING")
        const answer = yield* desk.tool("killJob", { job_id: id })
        assert.strictEqual(textOf(answer), "Job terminated successfully")
        const end = toolResult(yield* desk.tool("waitForJob", { job_id: id })).structuredContent
        assert.deepStrictEqual([end?.["status"], end?.["reason"]], ["FAILED", "Cancelled"])
        assert.strictEqual(textOf(yield* desk.tool("killJob", { job_id: id })), "Job terminated successfully")
      })
    )
  )

  it.scopedLive("3.2: killJob: of a job that ended by itself is a failure that says so", () =>
    scene((desk) =>
      Effect.gen(function* () {
        const id = yield* ended(desk, record("over"))
        const answer = yield* desk.tool("killJob", { job_id: id })
        assert.isTrue(toolResult(answer).isError)
        assert.match(textOf(answer), /^Failed to kill job\nthe job is over already: SUCCEEDED\n/)
        const direct = yield* desk.call("killJob", { job_id: id })
        assert.deepStrictEqual(direct.body?.error, {
          code: -32_603,
          message: "Failed to kill job",
          data: "the job is over already: SUCCEEDED"
        })
      })
    )
  )

  it.scopedLive("3.2: cleanup: with the text that clients know", () =>
    scene((desk) =>
      Effect.gen(function* () {
        const id = yield* ended(desk, record("tidy"))
        const answer = yield* desk.tool("cleanup", { job_id: id })
        assert.strictEqual(textOf(answer), "Job resources cleaned up successfully")
        assert.isUndefined((yield* desk.tool("cleanup", { all: true })).body?.result)
      })
    )
  )

  it.scopedLive(
    "3.2: getHistory: jobs and total, newest first, ten unless asked otherwise, of one owner if asked",
    () =>
      scene((desk) =>
        Effect.gen(function* () {
          const first = yield* ended(desk, record("first"))
          const second = yield* ended(desk, record("second", { owner: "other" }))
          const { jobs, total } = fromJson(textOf(yield* desk.tool("getHistory")))
          assert.strictEqual(total, 2)
          assert.deepStrictEqual(Array.isArray(jobs) ? jobs.map(({ id }) => id) : jobs, [second, first])
          const mine = toolResult(yield* desk.tool("getHistory", { owner: "zoo", limit: 1 })).structuredContent
          assert.strictEqual(mine?.["total"], 1)
          assert.include(toJson(mine), first)
          assert.isTrue(toolResult(yield* desk.tool("getHistory", { limit: 0 })).isError)
          assert.isTrue(toolResult(yield* desk.tool("getHistory", { limit: "ten" })).isError)
        })
      )
  )

  it.scopedLive("3.2: purgeFailedJob: with the text that clients know", () =>
    scene((desk, stage) =>
      Effect.gen(function* () {
        const id = yield* ended(desk, broken)
        const answer = yield* desk.tool("purgeFailedJob", { job_id: id })
        assert.strictEqual(textOf(answer), `Job ${id} purged successfully from Nomad`)
        const slow = yield* submitted(desk, endless)
        yield* stage.until(slow, ({ status }) => status === "BUILDING")
        assert.match(textOf(yield* desk.tool("purgeFailedJob", { job_id: slow })), /^Failed to purge job from Nomad\n/)
      })
    )
  )
})
