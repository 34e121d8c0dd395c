import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { brokenRef } from "../../scripts/chaos/modelDriver.ts"
import { Consul } from "../../src/consul/Consul.ts"
import { Unavailable } from "../../src/http/ApiError.ts"
import { minimal } from "../domain/records.ts"
import { type HttpDesk, httpDesk } from "../server/httpDesk.ts"
import { alone, ended, errorOf, field, namesOf, slow, staged, submitted, time } from "../server/httpScenes.ts"
import { embeddedConsul } from "../support/embeddedConsul.ts"
import { record } from "../zoo/support/Stage.ts"

const history = (desk: HttpDesk, request: object, path = "/json/getHistory") =>
  Effect.map(desk.post(path, request), ({ json, status, text }) => {
    assert.strictEqual(status, 200, text)
    const jobs = field(json, "jobs")
    return { json, total: field(json, "total"), ids: Array.isArray(jobs) ? jobs.map(({ id }) => String(id)) : [] }
  })

describe("the interface's section 2.8", () => {
  it.scopedLive("2.8: getHistory answers jobs and total, newest first, running and ended jobs alike", () =>
    staged((desk, stage) =>
      Effect.gen(function* () {
        const succeeded = yield* ended(desk, record("one"))
        const failed = yield* ended(desk, record("two", { git_ref: brokenRef }))
        const running = yield* submitted(desk, { ...slow, owner: "other" })
        yield* stage.until(running, ({ status }) => status === "BUILDING")
        for (const path of ["/json/getHistory", "/mcp/getHistory"]) {
          const { ids, json, total } = yield* history(desk, { limit: 10, offset: 0 }, path)
          assert.deepStrictEqual(namesOf(json), ["jobs", "total"])
          assert.deepStrictEqual(ids, [running, failed, succeeded])
          assert.strictEqual(total, 3)
          const told = [0, 1, 2].map((at) => [
            field(json, "jobs", at, "status"),
            field(json, "jobs", at, "config", "owner")
          ])
          assert.deepStrictEqual(told, [
            ["BUILDING", "other"],
            ["FAILED", "zoo"],
            ["SUCCEEDED", "zoo"]
          ])
        }
        yield* desk.post("/json/killJob", { job_id: running })
      })
    )
  )

  it.scoped("2.8: a job that no leader has looked at yet is in the history too, as PENDING", () =>
    alone((desk) =>
      Effect.gen(function* () {
        const id = yield* submitted(desk, minimal)
        for (const request of [{}, { owner: minimal.owner }]) {
          const { ids, json, total } = yield* history(desk, request)
          assert.deepStrictEqual([ids, total, field(json, "jobs", 0, "status")], [[id], 1, "PENDING"])
        }
        assert.deepStrictEqual((yield* history(desk, { owner: "other" })).json, { jobs: [], total: 0 })
      })
    )
  )

  it.scopedLive("2.8: each job has id, config, status, created_at, duration in nanoseconds and metrics", () =>
    staged((desk) =>
      Effect.gen(function* () {
        const id = yield* ended(desk, record("one"))
        const { json } = yield* history(desk, {})
        const job = field(json, "jobs", 0)
        const first = ["id", "config", "status", "created_at", "duration", "metrics"]
        assert.deepStrictEqual(namesOf(job).slice(0, first.length), first)
        assert.deepStrictEqual([field(job, "id"), field(job, "config", "image_tags", 0)], [id, id])
        assert.match(String(field(job, "created_at")), time)
        assert.isAbove(Number(field(job, "duration")), 1_000_000)
        assert.isTrue(Number.isInteger(field(job, "duration")))
        assert.strictEqual(field(job, "metrics", "total_duration"), field(job, "duration"))
      })
    )
  )

  it.scopedLive("2.8: limit and offset choose a page; an offset past the end is an empty list", () =>
    staged((desk) =>
      Effect.gen(function* () {
        const ids = yield* Effect.forEach(["a", "b", "c"], (name) => ended(desk, record(name)))
        const [first = "", second = "", third = ""] = ids
        const page = (request: object) =>
          Effect.map(history(desk, request), (found) => ({ ids: found.ids, total: found.total }))
        assert.deepStrictEqual(yield* page({ limit: 1 }), { ids: [third], total: 3 })
        assert.deepStrictEqual(yield* page({ limit: 1, offset: 1 }), { ids: [second], total: 3 })
        assert.deepStrictEqual(yield* page({ limit: 10, offset: 2 }), { ids: [first], total: 3 })
        assert.deepStrictEqual((yield* history(desk, { limit: 1, offset: 5 })).json, { jobs: [], total: 3 })
        assert.deepStrictEqual(yield* page({ limit: 10, offset: -3 }), { ids: [third, second, first], total: 3 })
      })
    )
  )

  it.scoped("2.8: a limit of 0 or less is 50", () =>
    alone((desk) =>
      Effect.gen(function* () {
        const records = Array.from({ length: 51 }, (_, at) => ({ ...slow, image_name: `zoo/image-${at}` }))
        yield* Effect.forEach(records, (one) => submitted(desk, one), { concurrency: 8 })
        for (const limit of [0, -1]) {
          const { ids, total } = yield* history(desk, { limit })
          assert.deepStrictEqual([ids.length, total], [50, 51])
        }
        assert.lengthOf((yield* history(desk, {})).ids, 50)
      })
    )
  )

  it.scoped("2.8: a limit or offset that is no whole number is refused with what would be accepted", () =>
    alone((desk) =>
      Effect.gen(function* () {
        for (const query of ["limit=abc", "offset=1.5"]) {
          const { json, status } = yield* desk.ask(`/jobs?${query}`)
          assert.strictEqual(status, 400, query)
          assert.strictEqual(field(json, "details"), `${query.split("=")[0]} must be a whole number`)
        }
      })
    )
  )

  it.scopedLive("2.8: the owner's filter comes before the paging, and total counts what it lets through", () =>
    staged((desk) =>
      Effect.gen(function* () {
        const mine = yield* ended(desk, record("one"))
        yield* ended(desk, record("two", { owner: "other" }))
        const { ids, total } = yield* history(desk, { limit: 1, owner: "zoo" })
        assert.deepStrictEqual([ids, total], [[mine], 1])
      })
    )
  )

  it.scoped("2.8: while the history can't be read the answer is Failed to get job history", () =>
    Effect.gen(function* () {
      const away = new Unavailable({ system: "consul", operation: "kv.list", detail: "connection refused" })
      const consul = { ...(yield* Consul), list: () => away, keys: () => away, get: () => away }
      const answer = yield* (yield* httpDesk({ consul })).post("/json/getHistory", {})
      assert.deepStrictEqual([answer.status, errorOf(answer).error], [503, "Failed to get job history"])
    }).pipe(Effect.provide(embeddedConsul))
  )
})

describe("the interface's section 2.9", () => {
  const message = "Job is not configured for external python tests"

  for (const prefix of ["/json/job", "/mcp/job"]) {
    it.scoped(`2.9: ${prefix}/{id}/test-endpoint and test-result of a job without external tests answer 400`, () =>
      alone((desk) =>
        Effect.gen(function* () {
          const id = yield* submitted(desk, minimal)
          const result = { job_id: id, success: true, exit_code: 0, duration_ms: 5 }
          for (const answer of [
            yield* desk.ask(`${prefix}/${id}/test-endpoint`),
            yield* desk.post(`${prefix}/${id}/test-result`, result)
          ]) {
            assert.strictEqual(answer.status, 400)
            assert.deepInclude(errorOf(answer), { error: message, code: 400 })
          }
        })
      )
    )

    it.scoped(`2.9: ${prefix}/{id}/test-endpoint and test-result of an unknown job answer 404`, () =>
      alone((desk) =>
        Effect.gen(function* () {
          for (const answer of [
            yield* desk.ask(`${prefix}/nobody/test-endpoint`),
            yield* desk.post(`${prefix}/nobody/test-result`, { success: true, exit_code: 0, duration_ms: 5 })
          ]) {
            assert.deepStrictEqual([answer.status, errorOf(answer).error], [404, "Job not found"])
          }
        })
      )
    )
  }

  it.scopedLive("2.9: a test result changes nothing of a job that waits for none", () =>
    staged((desk, stage) =>
      Effect.gen(function* () {
        const id = yield* submitted(desk, slow)
        yield* stage.until(id, ({ status }) => status === "BUILDING")
        yield* desk.post(`/json/job/${id}/test-result`, { success: true, exit_code: 0, duration_ms: 5 })
        const { json } = yield* desk.ask(`/json/job/${id}/status`)
        assert.strictEqual(field(json, "status"), "BUILDING")
        yield* desk.post("/json/killJob", { job_id: id })
      })
    )
  )
})
