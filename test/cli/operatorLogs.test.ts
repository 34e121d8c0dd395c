import { assert, describe, it } from "@effect/vitest"
import { Effect, HashMap, Logger, Option } from "effect"
import { longRef } from "../../scripts/chaos/modelDriver.ts"
import { Unavailable } from "../../src/http/ApiError.ts"
import { eventually } from "../support/eventually.ts"
import { freePort } from "../support/freePort.ts"
import { record, setStage, type Troupe, withTests } from "../zoo/support/Stage.ts"

interface Line {
  readonly message: string
  readonly level: string
  readonly fields: Readonly<Record<string, unknown>>
}

const collect = () => {
  const lines: Array<Line> = []
  const logger = Logger.make<unknown, void>(({ annotations, logLevel, message }) => {
    const [first] = Array.isArray(message) ? message : [message]
    lines.push({
      message: String(first),
      level: logLevel.label,
      fields: Object.fromEntries(HashMap.toEntries(annotations))
    })
  })
  const said = (message: string) => lines.filter((line) => line.message === message)
  return { layer: Logger.add(logger), said }
}

const post = (port: number, path: string, body: object) =>
  Effect.tryPromise(async () => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method: "POST", body: JSON.stringify(body) })
    return await answer.text()
  }).pipe(Effect.orElseSucceed(() => ""))

describe("what operators look for in the logs", () => {
  it.scopedLive("a job from its submission to its end, once each, whatever interface it came by", () =>
    Effect.gen(function* () {
      const { ended, put, serve } = yield* setStage
      const port = yield* freePort
      const { layer, said } = collect()
      yield* Effect.provide(serve({ environment: { SERVER_PORT: String(port) } }), layer)
      yield* eventually(
        "it serves",
        Effect.sync(() => said("serving").length === 1)
      )
      assert.deepStrictEqual(said("serving")[0]?.fields, { host: "127.0.0.1", port })
      yield* eventually(
        "it leads",
        Effect.sync(() => said("leading").length === 1)
      )
      yield* post(port, "/json/submitJob", record("rest", { ...withTests, git_ref: longRef }))
      const call = {
        jsonrpc: "2.0",
        id: 1,
        method: "tools/call",
        params: { name: "submitJob", arguments: record("mcp") }
      }
      yield* post(port, "/mcp", call)
      yield* put("by-hand", record("kv"))
      yield* eventually(
        "two were submitted",
        Effect.sync(() => said("Job submitted successfully").length === 2)
      )
      yield* ended("by-hand")
      yield* eventually(
        "three are over",
        Effect.sync(() => said("Job ended").length === 3)
      )
      const ids = said("Job submitted successfully").map(({ fields }) => fields["jobId"])
      for (const { fields, level } of said("Job submitted successfully")) {
        assert.includeMembers(Object.keys(fields), ["jobId", "owner", "repeated"])
        assert.strictEqual(level, "INFO")
      }
      for (const id of ids) {
        const [build, ...others] = said("Build job submitted to Nomad").filter(({ fields }) => fields["jobId"] === id)
        assert.deepStrictEqual(others, [])
        assert.deepStrictEqual(build?.fields, { record: id, jobId: id, nomadJob: `build-${String(id)}-1`, attempt: 1 })
        const [end, ...more] = said("Job ended").filter(({ fields }) => fields["jobId"] === id)
        assert.deepStrictEqual(more, [])
        const { digest, seconds, ...rest } = end?.fields ?? {}
        assert.deepStrictEqual(rest, { record: id, jobId: id, owner: "zoo", status: "SUCCEEDED" })
        assert.match(String(digest), /^sha256:/)
        assert.isAbove(Number(seconds), 0)
      }
      const moves = said("Job moved on").filter(({ fields }) => fields["jobId"] === ids[0])
      assert.includeMembers(
        moves.map(({ fields }) => fields["status"]),
        ["BUILDING", "TESTING", "PUBLISHING"]
      )
      assert.strictEqual(said("Test job submitted to Nomad").length, 3)
      assert.strictEqual(said("Publish job submitted to Nomad").length, 1)
    })
  )

  it.scopedLive("a failed job's reason, and a dependency that is unwell by its name", () =>
    Effect.gen(function* () {
      const { ended, put, serve } = yield* setStage
      const port = yield* freePort
      const { layer, said } = collect()
      const down = Effect.fail(new Unavailable({ system: "nomad", operation: "leader", detail: "no cluster leader" }))
      const troupe = {
        environment: { SERVER_PORT: String(port), MAX_ATTEMPTS: "1" },
        nomad: (nomad: Parameters<NonNullable<Troupe["nomad"]>>[0]) => ({ ...nomad, leader: () => down })
      }
      yield* Effect.provide(serve(troupe), layer)
      yield* put("broken", record("broken", { git_ref: "broken" }))
      yield* ended("broken")
      yield* eventually(
        "its end is told",
        Effect.sync(() => said("Job ended").length === 1)
      )
      const [end] = said("Job ended")
      assert.strictEqual(end?.fields["record"], "broken")
      assert.strictEqual(end?.fields["status"], "FAILED")
      assert.strictEqual(end?.fields["failed_phase"], "build")
      assert.isString(end?.fields["reason"])
      assert.isString(end?.fields["error"])
      yield* Effect.promise(() => fetch(`http://127.0.0.1:${port}/health`).then((answer) => answer.text()))
      const failed = Option.fromNullable(said("Health check failed")[0])
      assert.deepStrictEqual(Option.getOrThrow(failed), {
        message: "Health check failed",
        level: "WARN",
        fields: { service: "nomad" }
      })
    })
  )
})
