import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { alone, field, namesOf } from "../server/httpScenes.ts"

const seven = ["cleanup", "getHistory", "getLogs", "getStatus", "killJob", "purgeFailedJob", "submitJob"]

const rpc = (message: object) => ({ jsonrpc: "2.0", method: "tools/list", ...message })

describe("the interface's Appendix B, JSON-RPC", () => {
  for (const path of ["/json", "/mcp"]) {
    it.scoped(`Appendix B: a notification at ${path} with a missing or null id has no body in its answer`, () =>
      alone((desk) =>
        Effect.gen(function* () {
          for (const notification of [rpc({}), rpc({ id: null })]) {
            const { status, text } = yield* desk.post(path, notification)
            assert.deepStrictEqual([status, text], [202, ""])
          }
        })
      )
    )

    it.scoped(`Appendix B: a request at ${path} with an id has a body in its answer, with that id`, () =>
      alone((desk) =>
        Effect.gen(function* () {
          for (const id of [1, "one"]) {
            const { json, status } = yield* desk.post(path, rpc({ id }))
            assert.strictEqual(status, 200)
            assert.deepStrictEqual([field(json, "jsonrpc"), field(json, "id")], ["2.0", id])
            assert.isDefined(field(json, "result"))
          }
        })
      )
    )

    for (const name of seven) {
      it.scoped(
        `Appendix B: ${name} at ${path} has a description, and an object with properties as its inputSchema`,
        () =>
          alone((desk) =>
            Effect.gen(function* () {
              const tools = field((yield* desk.post(path, rpc({ id: 1 }))).json, "result", "tools")
              const tool = Array.isArray(tools) ? tools.find((one) => field(one, "name") === name) : undefined
              assert.isNotEmpty(field(tool, "description"))
              assert.strictEqual(field(tool, "inputSchema", "type"), "object")
              assert.isNotEmpty(namesOf(field(tool, "inputSchema", "properties")))
            })
          )
      )
    }
  }
})
