import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, Logger, Scope } from "effect"
import { endlessRef } from "../../scripts/chaos/modelDriver.ts"
import { Consul } from "../../src/consul/Consul.ts"
import { alwaysLogged, masked } from "../../src/server/rpc/rawLog.ts"
import { embeddedConsul } from "../support/embeddedConsul.ts"
import { eventually } from "../support/eventually.ts"
import { record, setStage } from "../zoo/support/Stage.ts"
import { keys } from "./deskOf.ts"
import { rpcDesk, textOf, toolResult } from "./rpcDesk.ts"
import { submitted } from "./rpcScenes.ts"

describe("a caller", () => {
  it.scopedLive("sees and ends its own jobs alone, and learns nothing of others", () =>
    Effect.gen(function* () {
      const stage = yield* setStage
      yield* stage.serve()
      const anybodys = yield* rpcDesk(stage)
      const mine = yield* rpcDesk({ ...stage, caller: { name: "mine", role: "submit", owners: new Set(["zoo"]) } })
      const reader = yield* rpcDesk({ ...stage, caller: { name: "reader", role: "read", owners: new Set(["zoo"]) } })
      const own = yield* submitted(mine, record("own", { git_ref: endlessRef }))
      const other = yield* submitted(anybodys, record("other", { owner: "other", git_ref: endlessRef }))
      for (const tool of ["getStatus", "getLogs", "waitForJob", "diagnoseJob", "killJob", "cleanup", "retryJob"]) {
        const answer = yield* mine.tool(tool, { job_id: other })
        assert.match(textOf(answer), /^Job not found\n/, tool)
      }
      const listed = toolResult(yield* mine.tool("listJobs")).structuredContent
      assert.strictEqual(listed?.["total"], 1)
      const refused = yield* mine.tool("submitJob", record("web", { owner: "other" }))
      assert.match(textOf(refused), /^Failed to create job\nno right to submit for owner other\n/)
      yield* stage.until(own, ({ status }) => status === "BUILDING")
      assert.isTrue(toolResult(yield* reader.tool("killJob", { job_id: own })).isError)
      assert.strictEqual(textOf(yield* mine.tool("killJob", { job_id: own })), "Job terminated successfully")
    })
  )
})

describe("a wait", () => {
  it.scopedLive("takes a place among those that are allowed, and gives it back", () =>
    Effect.gen(function* () {
      const stage = yield* setStage
      yield* stage.serve()
      const desk = yield* rpcDesk(stage)
      yield* stage.consul.put(`${keys.config}limits/waiters_per_caller`, "1")
      const id = yield* submitted(desk, record("slow", { git_ref: endlessRef }))
      const first = yield* Effect.fork(desk.tool("waitForJob", { job_id: id, timeout_seconds: 600 }))
      yield* eventually(
        "it waits",
        Effect.map(desk.waiters, (waiters) => waiters === 1)
      )
      yield* eventually(
        "the limit is in force",
        Effect.map(
          desk.tool("waitForJob", { job_id: id, timeout_seconds: 0 }),
          ({ body, status }) =>
            status === 200 && body?.error?.code === -32_603 && body.error.message === "Too many requests"
        )
      )
      yield* Fiber.interrupt(first)
      yield* eventually(
        "there is room again",
        Effect.map(desk.tool("waitForJob", { job_id: id, timeout_seconds: 0 }), ({ body }) => body?.error === undefined)
      )
    })
  )

  it.scopedLive("is answered with the job as it is when the replica stops", () =>
    Effect.gen(function* () {
      const stage = yield* setStage
      yield* stage.serve()
      const scope = yield* Scope.make()
      const desk = yield* Scope.extend(rpcDesk(stage), scope)
      const id = yield* submitted(desk, record("slow", { git_ref: endlessRef }))
      const waiting = yield* Effect.fork(desk.tool("waitForJob", { job_id: id, timeout_seconds: 600 }))
      yield* eventually(
        "it waits",
        Effect.map(desk.waiters, (waiters) => waiters === 1)
      )
      const [taken] = yield* Effect.timed(Scope.close(scope, Exit.void))
      assert.isTrue(Duration.lessThan(taken, "2 seconds"), Duration.format(taken))
      const answer = toolResult(yield* Fiber.join(waiting)).structuredContent
      assert.deepStrictEqual([answer?.["job_id"], answer?.["ended"]], [id, false])
    })
  )
})

describe("MCP_LOG_LEVEL", () => {
  const confidential = {
    ...record("web"),
    webhook_url: "https://example.com/hook",
    webhook_secret: "tell-nobody",
    webhook_headers: { "x-token": "nor-this" },
    registry_credentials_path: "secret/registry"
  }

  it.scopedLive("3.1: 1 logs request, tool and answer as they are, without what is said in confidence", () => {
    const lines: Array<string> = []
    const collecting = Logger.make<unknown, void>(({ annotations, message }) => {
      const [raw] = [...annotations].flatMap(([name, value]) => (name === alwaysLogged ? [String(value)] : []))
      if (raw !== undefined) lines.push(`${String(message)}: ${raw}`)
    })
    return Effect.gen(function* () {
      const consul = yield* Consul
      const desk = yield* rpcDesk({ consul })
      yield* desk.call("ping")
      assert.deepStrictEqual(lines, [])
      yield* consul.put(`${keys.config}mcp_log_level`, "1")
      yield* eventually(
        "it is logged",
        Effect.map(desk.call("ping"), () => lines.length > 0)
      )
      lines.length = 0
      const id = yield* submitted(desk, confidential)
      assert.deepStrictEqual(
        lines.map((line) => line.split(": ")[0]),
        ["mcp request", "mcp tool", "mcp response"]
      )
      const [request = "", tool, response = ""] = lines
      assert.include(request, '"owner":"zoo"')
      assert.include(request, "secret/registry")
      assert.strictEqual(tool, "mcp tool: submitJob")
      assert.include(response, id)
      assert.notMatch(lines.join(), /tell-nobody|nor-this/)
    }).pipe(Effect.provide(Logger.replace(Logger.defaultLogger, collecting)), Effect.provide(embeddedConsul))
  })

  it("hides what stands where no secret should", () => {
    const shown = JSON.stringify(
      masked({
        params: { repo_url: "https://me:hunter2hunter2@git.example.com/a.git", password: "hunter2hunter2" },
        list: [{ Authorization: "Bearer hunter2hunter2" }],
        webhook_secret: ["hunter2hunter2", { value: "hunter2hunter2" }],
        git_token: "hunter2hunter2"
      })
    )
    assert.notInclude(shown, "hunter2")
    assert.include(shown, "git.example.com/a.git")
  })
})
