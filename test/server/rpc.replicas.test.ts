import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { endlessRef } from "../../scripts/chaos/modelDriver.ts"
import { makeRunningCalls, RunningCalls } from "../../src/server/rpc/RunningCalls.ts"
import { eventually } from "../support/eventually.ts"
import { record, setStage, type Stage } from "../zoo/support/Stage.ts"
import { rpcDesk, type RpcDesk, toJson, toolResult } from "./rpcDesk.ts"

/** A replica with nothing in common with the others but Consul and Nomad. */
const replica = (stage: Stage) => Effect.provideService(rpcDesk(stage), RunningCalls, makeRunningCalls())

const session = { "mcp-session-id": "one client's" }

const waitFor = (desk: RpcDesk, jobId: string) =>
  desk.post(
    toJson({
      jsonrpc: "2.0",
      id: 7,
      method: "tools/call",
      params: { name: "waitForJob", arguments: { job_id: jobId, timeout_seconds: 600 } }
    }),
    session,
    "/mcp"
  )

const cancel = (desk: RpcDesk, requestId: string | number) =>
  desk.post(
    toJson({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId, reason: "a test" } }),
    session,
    "/mcp"
  )

describe("a client's cancellation", () => {
  it.scopedLive("that comes to another replica than the call is taken, and ends nothing there or here", () =>
    Effect.gen(function* () {
      const stage = yield* setStage
      yield* stage.serve()
      const [one, other] = [yield* replica(stage), yield* replica(stage)]
      const submitted = yield* one.tool("submitJob", record("slow", { git_ref: endlessRef }))
      const id = String(toolResult(submitted).structuredContent?.["job_id"])
      const waiting = yield* Effect.fork(waitFor(one, id))
      const beside = yield* Effect.fork(other.tool("waitForJob", { job_id: id, timeout_seconds: 600 }))
      const wait = (desk: RpcDesk, count: number) =>
        eventually(
          `${count} wait`,
          Effect.map(desk.waiters, (waiters) => waiters === count)
        )
      yield* wait(one, 1)
      yield* wait(other, 1)

      const { status, text } = yield* cancel(other, 7)
      assert.deepStrictEqual([status, text], [202, ""])
      // Time enough for what must not happen.
      yield* Effect.sleep("500 millis")
      assert.deepStrictEqual([yield* one.waiters, yield* other.waiters], [1, 1])
      assert.isFalse(toolResult(yield* other.tool("getStatus", { job_id: id })).isError ?? false)

      // Of another type it is another request's.
      assert.strictEqual((yield* cancel(one, "7")).status, 202)
      assert.strictEqual(yield* one.waiters, 1)
      assert.strictEqual((yield* cancel(one, 7)).status, 202)
      yield* wait(one, 0)
      assert.strictEqual((yield* Fiber.join(waiting)).status, 202)
      assert.strictEqual(yield* other.waiters, 1)
      yield* Fiber.interrupt(beside)
      yield* wait(other, 0)
    })
  )
})
