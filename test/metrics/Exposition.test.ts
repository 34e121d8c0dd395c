import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Exposition } from "../../src/metrics/Exposition.ts"
import { family } from "../../src/metrics/families.ts"
import { measureRequest } from "../../src/metrics/measureRequest.ts"
import { Metrics } from "../../src/metrics/Metrics.ts"
import { Unavailable } from "../../src/http/ApiError.ts"
import { parseExposition, valueOf } from "./parseExposition.ts"

const read = Effect.flatMap(Exposition, ({ render }) => render("prometheus")).pipe(
  Effect.map((text) => parseExposition(text, "prometheus"))
)

const here = Exposition.layer({ owners: 2, process: false })

describe("Exposition", () => {
  it.effect("shows every family with what it means, and with 0 where its labels are known", () =>
    Effect.gen(function* () {
      const found = yield* read
      for (const { help, kind, labels, name, zeros } of Object.values(family)) {
        assert.strictEqual(found.get(name)?.type, kind, name)
        assert.strictEqual(found.get(name)?.help, help, name)
        const known = labels.length === 0 || (zeros.length > 0 && !labels.some((label) => label === "owner"))
        assert.strictEqual((found.get(name)?.samples ?? []).length > 0, known, name)
        if (name.startsWith("effect_fibers")) continue
        for (const sample of found.get(name)?.samples ?? []) assert.strictEqual(sample.value, 0, name)
      }
    }).pipe(Effect.provide(here))
  )

  it.effect("begins all series of an owner when it first sees it", () =>
    Effect.gen(function* () {
      const metrics = yield* Metrics
      metrics.add(family.totalJobs, { status: "pending", phase: "none", owner: "ann" })
      const found = yield* read
      assert.strictEqual(valueOf(found, "total_jobs", { status: "pending", owner: "ann" }), 1)
      assert.strictEqual(valueOf(found, "total_jobs", { status: "failed", phase: "test", owner: "ann" }), 0)
      const failed = { status: "failed", owner: "ann" }
      assert.strictEqual(valueOf(found, "build_duration_seconds", failed, "build_duration_seconds_count"), 0)
      assert.strictEqual(
        valueOf(found, "publish_duration_seconds", { ...failed, le: "+Inf" }, "publish_duration_seconds_bucket"),
        0
      )
    }).pipe(Effect.provide(here))
  )

  it.effect("gives one series to all owners beyond the bound, and to names that mean something else", () =>
    Effect.gen(function* () {
      const metrics = yield* Metrics
      for (const owner of ["all", "ann", "", "bob", "cid", "x".repeat(65), "ann", "dan"]) {
        metrics.add(family.totalJobs, { status: "pending", phase: "none", owner })
      }
      const found = yield* read
      const count = (owner: string) => valueOf(found, "total_jobs", { status: "pending", owner })
      assert.deepStrictEqual([count("ann"), count("bob"), count("other")], [2, 1, 5])
      assert.isUndefined(count("cid") ?? count("all") ?? count(""))
    }).pipe(Effect.provide(here))
  )

  it.effect("speaks OpenMetrics when asked, and the other format unchanged afterwards", () =>
    Effect.gen(function* () {
      const metrics = yield* Metrics
      const { render } = yield* Exposition
      metrics.add(family.totalJobs, { status: "pending", phase: "none", owner: 'a"b\\c' })
      metrics.add(family.queueAdds, { name: "buildjob" }, 3)
      metrics.set(family.successRate, { window: "1h", owner: "all" }, Number.NaN)
      const before = yield* render("prometheus")
      const open = parseExposition(yield* render("openmetrics"), "openmetrics")
      assert.strictEqual(open.get("workqueue_adds")?.type, "counter")
      assert.strictEqual(valueOf(open, "workqueue_adds", {}, "workqueue_adds_total"), 3)
      assert.strictEqual(open.get("total_jobs")?.type, "unknown")
      assert.strictEqual(valueOf(open, "total_jobs", { status: "pending", owner: 'a"b\\c' }), 1)
      assert.isNaN(valueOf(open, "job_success_rate", { owner: "all" }))
      const withoutFibers = (text: string) => text.replaceAll(/^effect_fibers.*\n/gm, "")
      assert.strictEqual(withoutFibers(yield* render("prometheus")), withoutFibers(before))
    }).pipe(Effect.provide(here))
  )

  it.scoped("tells of the process and of its fibers, in a form that a scraper takes", () =>
    Effect.gen(function* () {
      const { render } = yield* Exposition
      for (const format of ["prometheus", "openmetrics"] as const) {
        const found = parseExposition(yield* render(format), format)
        assert.isAbove(valueOf(found, "process_resident_memory_bytes", {}) ?? 0, 1_000_000)
        assert.isTrue(found.has("nodejs_eventloop_lag_seconds"))
        assert.isAbove(valueOf(found, "effect_fibers_active", {}) ?? 0, 0)
      }
    }).pipe(Effect.provide(Exposition.layer({ owners: 2, process: true })))
  )

  it.effect("counts requests by kind of operation, never by what they are about", () =>
    Effect.gen(function* () {
      const gone = new Unavailable({ system: "consul", operation: "kv.get a", detail: "" })
      yield* measureRequest("consul", "kv.get jobs/a")(Effect.void)
      yield* measureRequest("consul", "kv.get jobs/b")(Effect.void)
      yield* Effect.ignore(measureRequest("consul", "kv.get jobs/c")(Effect.fail(gone)))
      const found = yield* read
      const kind = { system: "consul", operation: "kv.get" }
      assert.strictEqual(valueOf(found, "rest_client_requests_total", { ...kind, result: "ok" }), 2)
      assert.strictEqual(valueOf(found, "rest_client_requests_total", { ...kind, result: "unavailable" }), 1)
      const time = "rest_client_request_duration_seconds"
      assert.strictEqual(valueOf(found, time, kind, `${time}_count`), 3)
    }).pipe(Effect.provide(here))
  )

  it("refuses a text that no scraper would take", () => {
    const family = "# HELP a b\n# TYPE a gauge\n"
    for (const text of [`${family}a Nan\n`, `${family}b 1\n`, `${family}a 1\na 1\n`, "a 1\n", `${family}a{x="1" 1\n`]) {
      assert.throws(() => parseExposition(text, "prometheus"))
    }
    assert.throws(() => parseExposition(`${family}a 1\n`, "openmetrics"))
  })
})
