import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import { failingTest } from "../../scripts/chaos/modelDriver.ts"
import { record } from "../zoo/support/Stage.ts"
import { fromJson, textOf, toolResult } from "./rpcDesk.ts"
import { broken, ended, endless, scene, submitted } from "./rpcScenes.ts"

describe("the tool", () => {
  it.scopedLive("submitJob: names all faults of a configuration at once, and how to mend them", () =>
    scene((desk) =>
      Effect.gen(function* () {
        const answer = yield* desk.tool("submitJob", { owner: "zoo", image_name: "Web", git_reff: "main" })
        const { content, isError } = toolResult(answer)
        assert.isTrue(isError)
        const [text = ""] = content.map((part) => part.text)
        const lines = text.split("\n")
        assert.strictEqual(lines[0], "Job configuration validation failed")
        assert.deepStrictEqual(
          lines.filter((line) => line.startsWith("- ")).map((line) => line.split(" ")[1]),
          ["repo_url", "image_name", "registry_url", "git_reff"]
        )
        assert.include(text, "did you mean git_ref?")
        assert.include(lines.at(-1), "submitJob again")
        const direct = yield* desk.call("submitJob", { owner: "zoo" })
        assert.deepStrictEqual(
          [direct.body?.error?.code, direct.body?.error?.message],
          [-32_602, "Job configuration validation failed"]
        )
        assert.include(String(direct.body?.error?.data), "repo_url is required; ")
      })
    )
  )

  it.scopedLive("submitJob: takes the earlier names and the wrapper, as every other interface does", () =>
    scene((desk, stage) =>
      Effect.gen(function* () {
        const legacy = { ...endless, image_tags: '["a","b"]', test_commands: ["true"], test_entry_point: true }
        for (const given of [legacy, { job_config: legacy }, { jobConfig: legacy }]) {
          const id = yield* submitted(desk, given)
          const { config } = yield* stage.until(id, (status) => status.config !== undefined)
          assert.deepStrictEqual(config?.test, { commands: ["true"], entry_point: true })
          assert.deepStrictEqual(config?.image_tags, ["a", "b"])
        }
      })
    )
  )

  it.scopedLive(
    "submitJob: an idempotency_key makes a repeated call the same job, and another configuration an error",
    () =>
      scene((desk) =>
        Effect.gen(function* () {
          const once = { ...record("once"), idempotency_key: "try 1" }
          const id = yield* submitted(desk, once)
          assert.strictEqual(yield* submitted(desk, once), id)
          const other = yield* desk.tool("submitJob", { ...record("other"), idempotency_key: "try 1" })
          assert.isTrue(toolResult(other).isError)
          assert.include(textOf(other), id)
          const wrong = yield* desk.tool("submitJob", { ...record("web"), idempotency_key: 7 })
          assert.include(textOf(wrong), "idempotency_key must be a text")
        })
      )
  )

  it.scopedLive("waitForJob: answers at the end of the job with its digest, and says what to do next", () =>
    scene((desk) =>
      Effect.gen(function* () {
        const good = yield* submitted(desk, record("good"))
        const well = toolResult(yield* desk.tool("waitForJob", { job_id: good, timeout_seconds: 60 })).structuredContent
        assert.deepStrictEqual([well?.["ended"], well?.["status"]], [true, "SUCCEEDED"])
        assert.match(String(well?.["digest"]), /^sha256:/)
        const bad = yield* submitted(desk, broken)
        const failed = toolResult(yield* desk.tool("waitForJob", { job_id: bad })).structuredContent
        assert.deepStrictEqual(
          [failed?.["ended"], failed?.["status"], failed?.["failed_phase"]],
          [true, "FAILED", "build"]
        )
        assert.strictEqual(failed?.["next_action"], `Call diagnoseJob with job_id ${bad}.`)
      })
    )
  )

  it.scopedLive("waitForJob: answers with the job as it is when the time is over", () =>
    scene((desk) =>
      Effect.gen(function* () {
        const id = yield* submitted(desk, endless)
        const [taken, answer] = yield* Effect.timed(desk.tool("waitForJob", { job_id: id, timeout_seconds: 1 }))
        // Its own second, not the fifty of a call that names none.
        assert.isTrue(Duration.between(taken, { minimum: "950 millis", maximum: "30 seconds" }))
        const { ended, next_action: next } = toolResult(answer).structuredContent ?? {}
        assert.deepStrictEqual([ended, next], [false, `Call waitForJob with job_id ${id} again.`])
        assert.isTrue(toolResult(yield* desk.tool("waitForJob", { job_id: id, timeout_seconds: 601 })).isError)
      })
    )
  )

  it.scopedLive("diagnoseJob: the failing phase, and what to do now", () =>
    scene((desk) =>
      Effect.gen(function* () {
        const id = yield* ended(desk, record("red", { test: { commands: [failingTest] } }))
        const answer = yield* desk.tool("diagnoseJob", { job_id: id })
        const found = toolResult(answer).structuredContent
        assert.deepStrictEqual([found?.["job_id"], found?.["phase"], found?.["exit_code"]], [id, "test", 3])
        assert.deepStrictEqual(found?.["step"], { kind: "command", index: 0, text: failingTest })
        assert.isNotEmpty(found?.["next_action"])
        assert.deepStrictEqual(fromJson(textOf(answer)), found)
        assert.isAtMost(Buffer.byteLength(textOf(answer)), 8192)
      })
    )
  )

  it.scopedLive("retryJob: builds it once more under a new id", () =>
    scene((desk) =>
      Effect.gen(function* () {
        const id = yield* ended(desk, broken)
        const again = String(toolResult(yield* desk.tool("retryJob", { job_id: id })).structuredContent?.["job_id"])
        assert.notStrictEqual(again, id)
        const second = toolResult(yield* desk.tool("waitForJob", { job_id: again, timeout_seconds: 60 }))
        assert.strictEqual(second.structuredContent?.["status"], "FAILED")
        const slow = yield* submitted(desk, endless)
        assert.match(textOf(yield* desk.tool("retryJob", { job_id: slow })), /^Failed to retry job\n/)
      })
    )
  )

  it.scopedLive("listJobs: in short, narrowed by status and owner", () =>
    scene((desk) =>
      Effect.gen(function* () {
        const good = yield* ended(desk, record("good"))
        const bad = yield* ended(desk, { ...broken, owner: "other" })
        const listed = (given: object) =>
          Effect.map(desk.tool("listJobs", given), (answer) => {
            const jobs = toolResult(answer).structuredContent?.["jobs"]
            return Array.isArray(jobs) ? jobs.map(({ job_id }) => job_id) : jobs
          })
        assert.deepStrictEqual(yield* listed({}), [bad, good])
        assert.deepStrictEqual(yield* listed({ status: ["FAILED"] }), [bad])
        assert.deepStrictEqual(yield* listed({ owner: "zoo" }), [good])
        assert.deepStrictEqual(yield* listed({ offset: 1 }), [good])
        assert.deepStrictEqual(yield* listed({ limit: 1 }), [bad])
        assert.isTrue(toolResult(yield* desk.tool("listJobs", { status: ["DONE"] })).isError)
      })
    )
  )

  it.scopedLive("as a method of its own: the result is the result, at either path", () =>
    scene((desk) =>
      Effect.gen(function* () {
        for (const path of ["/json", "/mcp"]) {
          const { body } = yield* desk.call("submitJob", record("direct"), path)
          const id = String(body?.result?.["job_id"])
          assert.deepStrictEqual(body?.result, { job_id: id, status: "PENDING" })
          const status = yield* desk.call("getStatus", { job_id: id }, path)
          assert.strictEqual(status.body?.result?.["job_id"], id)
          const missing = yield* desk.call("getStatus", {}, path)
          assert.deepStrictEqual(
            [missing.body?.error?.code, missing.body?.error?.message],
            [-32_602, "job_id required"]
          )
          const unknown = yield* desk.call("getStatus", { job_id: "nobody" }, path)
          assert.deepStrictEqual(unknown.body?.error, {
            code: -32_603,
            message: "Job not found",
            data: "job not found: nobody"
          })
        }
      })
    )
  )

  it.scopedLive("with a name that it doesn't know says which one was meant", () =>
    scene((desk) =>
      Effect.gen(function* () {
        const answer = yield* desk.tool("getHistory", { limt: 3 })
        assert.match(textOf(answer), /- limt is not a known field; did you mean limit\?/)
      })
    )
  )
})
