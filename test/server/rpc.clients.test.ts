import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, type Scope } from "effect"
import { brokenRef, endlessRef } from "../../scripts/chaos/modelDriver.ts"
import { eventually } from "../support/eventually.ts"
import { record, setStage, type Stage } from "../zoo/support/Stage.ts"
import { generations, type McpClient } from "./mcpClients.ts"
import { type RpcDesk, rpcDesk } from "./rpcDesk.ts"

for (const [name, connect, version] of generations) {
  const scene = <A, E>(play: (client: McpClient, desk: RpcDesk, stage: Stage) => Effect.Effect<A, E, Scope.Scope>) =>
    Effect.gen(function* () {
      const stage = yield* setStage
      yield* stage.serve()
      const desk = yield* rpcDesk(stage)
      return yield* play(yield* connect(`${desk.url}/mcp`), desk, stage)
    })

  const idOf = (result: { readonly structuredContent?: Readonly<Record<string, unknown>> | undefined }) =>
    String(result.structuredContent?.["job_id"])

  describe(`with ${name}`, () => {
    it.scopedLive("the version is agreed upon, and the tools are listed", () =>
      scene((client) =>
        Effect.gen(function* () {
          assert.strictEqual(client.version, version)
          assert.lengthOf(yield* client.listTools, 12)
        })
      )
    )

    it.scopedLive("an agent gets from a submission to a published image", () =>
      scene((client) =>
        Effect.gen(function* () {
          const id = idOf(yield* client.callTool("submitJob", { ...record("web") }))
          const { structuredContent } = yield* client.callTool("waitForJob", { job_id: id })
          assert.strictEqual(structuredContent?.["status"], "SUCCEEDED")
          assert.match(String(structuredContent?.["digest"]), /^sha256:/)
        })
      )
    )

    it.scopedLive("every tool's result is as its output schema says, which the client checks", () =>
      scene((client) =>
        Effect.gen(function* () {
          const id = idOf(yield* client.callTool("submitJob", { ...record("broken", { git_ref: brokenRef }) }))
          yield* client.callTool("waitForJob", { job_id: id })
          for (const tool of [
            "getStatus",
            "getLogs",
            "diagnoseJob",
            "cleanup",
            "purgeFailedJob",
            "retryJob",
            "waitForJob"
          ]) {
            const { content, isError } = yield* client.callTool(tool, { job_id: id })
            assert.notStrictEqual(isError, true, `${tool}: ${content[0]?.text}`)
          }
          for (const tool of ["getHistory", "listJobs", "cleanupZombies"]) {
            assert.isDefined((yield* client.callTool(tool, {})).structuredContent)
          }
        })
      )
    )

    it.scopedLive("what a tool can't do is a result; what is no tool call is an error", () =>
      scene((client) =>
        Effect.gen(function* () {
          const result = yield* client.callTool("getStatus", { job_id: "nobody" })
          assert.isTrue(result.isError)
          assert.match(result.content[0]?.text ?? "", /^Job not found\n/)
          const faults = yield* client.callTool("submitJob", { owner: "zoo" })
          assert.isTrue(faults.isError)
          assert.strictEqual((yield* Effect.flip(client.callTool("getStatus", {}))).code, -32_602)
          assert.strictEqual((yield* Effect.flip(client.callTool("nonsense", {}))).code, -32_601)
        })
      )
    )

    it.scopedLive("a wait tells how it goes, if it is asked to", () =>
      scene((client) =>
        Effect.gen(function* () {
          const seen: Array<{ readonly progress: number; readonly message: string }> = []
          const id = idOf(yield* client.callTool("submitJob", { ...record("web", { test: { commands: ["true"] } }) }))
          yield* client.callTool("waitForJob", { job_id: id }, ({ message = "", progress }) =>
            seen.push({ progress, message })
          )
          assert.isNotEmpty(seen)
          assert.deepStrictEqual(
            seen.map(({ progress }) => progress),
            seen.map((_, index) => index + 1)
          )
          assert.isTrue(
            seen.some(({ message }) => /^(BUILDING|TESTING|PUBLISHING)/.test(message)),
            JSON.stringify(seen)
          )
        })
      )
    )

    it.scopedLive("a cancelled wait ends at once, in the service as well", () =>
      scene((client, desk) =>
        Effect.gen(function* () {
          const id = idOf(yield* client.callTool("submitJob", { ...record("slow", { git_ref: endlessRef }) }))
          const waiting = yield* Effect.fork(client.callTool("waitForJob", { job_id: id, timeout_seconds: 600 }))
          yield* eventually(
            "it waits",
            Effect.map(desk.waiters, (waiters) => waiters === 1)
          )
          const [taken] = yield* Effect.timed(
            Effect.zipRight(
              Fiber.interrupt(waiting),
              eventually(
                "nobody waits",
                Effect.map(desk.waiters, (waiters) => waiters === 0)
              )
            )
          )
          assert.isTrue(Duration.lessThan(taken, "3 seconds"))
          // The connection is as good as before.
          assert.isDefined((yield* client.callTool("getStatus", { job_id: id })).structuredContent)
        })
      )
    )

    it.scopedLive("a client that goes away leaves nobody waiting", () =>
      scene((client, desk) =>
        Effect.gen(function* () {
          const id = idOf(yield* client.callTool("submitJob", { ...record("slow", { git_ref: endlessRef }) }))
          yield* Effect.scoped(
            Effect.gen(function* () {
              const other = yield* connect(`${desk.url}/mcp`)
              yield* Effect.forkScoped(
                Effect.ignore(other.callTool("waitForJob", { job_id: id, timeout_seconds: 600 }))
              )
              yield* eventually(
                "it waits",
                Effect.map(desk.waiters, (waiters) => waiters === 1)
              )
            })
          )
          yield* eventually(
            "nobody waits",
            Effect.map(desk.waiters, (waiters) => waiters === 0)
          )
        })
      )
    )
  })
}
