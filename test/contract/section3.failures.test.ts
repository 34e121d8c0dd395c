import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Consul } from "../../src/consul/Consul.ts"
import { Unavailable } from "../../src/http/ApiError.ts"
import { minimal } from "../domain/records.ts"
import { keys } from "../server/deskOf.ts"
import { rpcDesk, textOf, toolResult } from "../server/rpcDesk.ts"
import { ended, scene } from "../server/rpcScenes.ts"
import { embeddedConsul } from "../support/embeddedConsul.ts"
import { record } from "../zoo/support/Stage.ts"

const away = new Unavailable({ system: "consul", operation: "kv", detail: "connection refused" })

/** What each tool says when it was called rightly and could not do it. */
const texts = [
  ["submitJob", "Failed to create job"],
  ["getStatus", "Failed to get job"],
  ["getLogs", "Failed to get logs"],
  ["killJob", "Failed to kill job"],
  ["cleanup", "Failed to cleanup job"],
  ["getHistory", "Failed to get history"],
  ["purgeFailedJob", "Failed to purge job from Nomad"]
] as const

const argumentsOf = (name: string): object => {
  if (name === "submitJob") return minimal
  return name === "getHistory" ? {} : { job_id: "some" }
}

describe("the interface's section 3.1, when a tool fails", () => {
  for (const [name, text] of texts) {
    it.scopedLive(`3.1: tool failure of ${name}: isError with ${text}, and -32603 where the tool is the method`, () =>
      Effect.gen(function* () {
        const consul = {
          ...(yield* Consul),
          get: () => away,
          transaction: () => away,
          putCas: () => away,
          list: () => away,
          keys: () => away
        }
        const desk = yield* rpcDesk({ consul })
        const answer = yield* desk.tool(name, argumentsOf(name))
        assert.strictEqual(answer.status, 200)
        assert.isTrue(toolResult(answer).isError)
        assert.strictEqual(textOf(answer).split("\n")[0], text)
        const { body } = yield* desk.call(name, argumentsOf(name))
        assert.deepStrictEqual([body?.error?.code, body?.error?.message], [-32_603, text])
        assert.include(String(body?.error?.data), "connection refused")
      }).pipe(Effect.provide(embeddedConsul))
    )
  }

  for (const [name] of texts.filter(([tool]) => tool !== "submitJob" && tool !== "getHistory")) {
    it.scopedLive(`3.1: tool failure of ${name} for an unknown job: Job not found with the id as detail`, () =>
      Effect.gen(function* () {
        const desk = yield* rpcDesk({ consul: yield* Consul })
        const answer = yield* desk.tool(name, { job_id: "nobody" })
        assert.isTrue(toolResult(answer).isError)
        assert.match(textOf(answer), /^Job not found\njob not found: nobody\n/)
        const { body } = yield* desk.call(name, { job_id: "nobody" })
        assert.deepStrictEqual(body?.error, {
          code: -32_603,
          message: "Job not found",
          data: "job not found: nobody"
        })
      }).pipe(Effect.provide(embeddedConsul))
    )
  }

  it.scopedLive("3.1: bad parameters of submitJob: -32602 with the validation's words as data", () =>
    Effect.gen(function* () {
      const consul = yield* Consul
      const desk = yield* rpcDesk({ consul })
      const { body } = yield* desk.call("submitJob", { ...minimal, git_ref: "" })
      assert.deepStrictEqual(body?.error, {
        code: -32_602,
        message: "Job configuration validation failed",
        data: "git_ref is required"
      })
      assert.deepStrictEqual((yield* consul.keys(keys.jobs)).value, [])
    }).pipe(Effect.provide(embeddedConsul))
  )

  it.scopedLive("3.1: a tool's JSON text has two spaces of indentation and its keys in order", () =>
    scene((desk) =>
      Effect.gen(function* () {
        const id = yield* ended(desk, record("pretty"))
        for (const [name, given] of [
          ["getStatus", { job_id: id }],
          ["getLogs", { job_id: id }],
          ["getHistory", {}]
        ] as const) {
          const text = textOf(yield* desk.tool(name, given))
          assert.strictEqual(text, JSON.stringify(sorted(JSON.parse(text)), undefined, 2), name)
        }
      })
    )
  )
})

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, member]) => [name, sorted(member)])
  )
}
