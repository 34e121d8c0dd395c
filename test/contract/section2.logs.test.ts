import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { failingTest } from "../../scripts/chaos/modelDriver.ts"
import { Unavailable } from "../../src/http/ApiError.ts"
import { httpDesk } from "../server/httpDesk.ts"
import { alone, ended, errorOf, field, namesOf, slow, staged, strings, submitted } from "../server/httpScenes.ts"
import { record } from "../zoo/support/Stage.ts"

const phases = ["build", "test", "publish"] as const

const tested = record("logged", { test: { commands: ["true"], entry_point: true } })

describe("the interface's section 2.4", () => {
  it.scopedLive("2.4: the logs are job_id and logs, with a list of lines for build, test and publish", () =>
    staged((desk) =>
      Effect.gen(function* () {
        const id = yield* ended(desk, tested)
        const paths = [`/json/job/${id}/logs`, `/mcp/job/${id}/logs`, `/jobs/${id}/logs`]
        const answers = [
          ...(yield* Effect.forEach(paths, (path) => desk.ask(path))),
          yield* desk.post("/json/getLogs", { job_id: id }),
          yield* desk.post("/mcp/getLogs", { job_id: id })
        ]
        for (const { json, status } of answers) {
          assert.strictEqual(status, 200)
          assert.deepStrictEqual(namesOf(json), ["job_id", "logs"])
          assert.deepStrictEqual(namesOf(field(json, "logs")), phases)
          assert.deepStrictEqual(json, answers[0]?.json)
        }
        const build = `build-${id}-1`
        assert.deepStrictEqual(field(answers[0]?.json, "logs", "build"), [
          `[main/stdout] ${build} begins`,
          `[main/stdout] ${build} ends`
        ])
      })
    )
  )

  it.scopedLive(
    "2.4: a test's lines stand below === Test Job <i> (<nomad job id>) === and end with an empty line",
    () =>
      staged((desk) =>
        Effect.gen(function* () {
          const id = yield* ended(desk, tested)
          const { json } = yield* desk.ask(`/json/job/${id}/logs`)
          const [command, entry] = [`test-cmd-${id}-0-1`, `test-entry-${id}-1`]
          assert.deepStrictEqual(field(json, "logs", "test"), [
            `=== Test Job 0 (${command}) ===`,
            `[main/stdout] ${command} begins`,
            `[main/stdout] ${command} ends`,
            "",
            `=== Test Job 1 (${entry}) ===`,
            `[main/stdout] ${entry} begins`,
            `[main/stdout] ${entry} ends`,
            ""
          ])
        })
      )
  )

  for (const phase of phases) {
    it.scopedLive(`2.4: phase ${phase} leaves the other two phases empty, by POST and by ?phase=`, () =>
      staged((desk) =>
        Effect.gen(function* () {
          const id = yield* ended(desk, tested)
          const all = yield* desk.ask(`/json/job/${id}/logs`)
          for (const { json } of [
            yield* desk.post("/json/getLogs", { job_id: id, phase }),
            yield* desk.ask(`/json/job/${id}/logs?phase=${phase}`)
          ]) {
            for (const name of phases) {
              const wanted = name === phase ? field(all.json, "logs", name) : []
              assert.deepStrictEqual(field(json, "logs", name), wanted, name)
            }
          }
          assert.isNotEmpty(field(all.json, "logs", phase))
        })
      )
    )
  }

  it.scopedLive("2.4: any other phase is no filter and no error", () =>
    staged((desk) =>
      Effect.gen(function* () {
        const id = yield* ended(desk, record("plain"))
        const all = yield* desk.ask(`/json/job/${id}/logs`)
        for (const answer of [
          yield* desk.post("/json/getLogs", { job_id: id, phase: "deploy" }),
          yield* desk.post("/json/getLogs", { job_id: id, phase: "" }),
          yield* desk.ask(`/json/job/${id}/logs?phase=deploy`)
        ]) {
          assert.strictEqual(answer.status, 200)
          assert.deepStrictEqual(answer.json, all.json)
        }
      })
    )
  )

  it.scopedLive("2.4: a running job's output is there while it runs", () =>
    staged((desk, stage) =>
      Effect.gen(function* () {
        const id = yield* submitted(desk, slow)
        yield* stage.until(id, ({ attempts }) => attempts.some(({ started_at }) => started_at !== undefined))
        let lines: ReadonlyArray<string> = []
        while (!lines.includes(`[main/stdout] build-${id}-1 begins`)) {
          yield* Effect.sleep("50 millis")
          lines = strings(field((yield* desk.ask(`/json/job/${id}/logs`)).json, "logs", "build"))
        }
        yield* desk.post("/json/killJob", { job_id: id })
      })
    )
  )

  it.scopedLive("2.4: a job that Nomad can't place has the line: No allocations found", () =>
    staged((desk, stage) =>
      Effect.gen(function* () {
        const id = yield* submitted(desk, record("large", { resource_limits: { build: { memory: "16000000" } } }))
        yield* stage.until(id, ({ attempts }) => attempts.length > 0)
        const { json } = yield* desk.ask(`/json/job/${id}/logs`)
        assert.strictEqual(field(json, "logs", "build", 0), "No allocations found - job may have failed to schedule")
        yield* desk.post("/json/killJob", { job_id: id })
      })
    )
  )

  it.scopedLive("2.4: Nomad's trouble with a running job's log is a line of it, by GET and by POST", () =>
    staged((desk, stage) =>
      Effect.gen(function* () {
        const id = yield* submitted(desk, slow)
        yield* stage.until(id, ({ attempts }) => attempts.some(({ started_at }) => started_at !== undefined))
        const away = new Unavailable({ system: "nomad", operation: "logs", detail: "connection refused" })
        const cutOff = yield* httpDesk({ consul: stage.consul, nomad: { ...stage.nomad, logs: () => away } })
        for (const answer of [
          yield* cutOff.ask(`/json/job/${id}/logs`),
          yield* cutOff.post("/json/getLogs", { job_id: id })
        ]) {
          assert.strictEqual(answer.status, 200)
          const [line = ""] = strings(field(answer.json, "logs", "build"))
          assert.match(line, new RegExp(`^Failed to get logs for build job \\(build-${id}-1\\): .*connection refused`))
        }
        yield* desk.post("/json/killJob", { job_id: id })
      })
    )
  )

  it.scopedLive("2.4: the logs of a failed job are there after its end, when Nomad is asked no more", () =>
    staged((desk, stage) =>
      Effect.gen(function* () {
        const id = yield* ended(desk, record("red", { test: { commands: [failingTest] } }))
        const cutOff = yield* httpDesk({ consul: stage.consul })
        const { json } = yield* cutOff.ask(`/json/job/${id}/logs`)
        assert.include(strings(field(json, "logs", "test")), `[main/stdout] test-cmd-${id}-0-1 ends`)
      })
    )
  )

  it.scoped("2.4: an unknown id answers 404 Job not found, by GET and by POST", () =>
    alone((desk) =>
      Effect.gen(function* () {
        for (const answer of [
          yield* desk.ask("/json/job/nobody/logs"),
          yield* desk.ask("/mcp/job/nobody/logs"),
          yield* desk.post("/json/getLogs", { job_id: "nobody" }),
          yield* desk.post("/mcp/getLogs", { job_id: "nobody" })
        ]) {
          assert.strictEqual(answer.status, 404)
          assert.deepStrictEqual(errorOf(answer), {
            error: "Job not found",
            code: 404,
            details: "job not found: nobody"
          })
        }
      })
    )
  )
})
