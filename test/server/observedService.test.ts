import { assert, describe, it } from "@effect/vitest"
import { Cause, Deferred, Effect, Exit, Fiber, Predicate, Schedule } from "effect"
import { parseExposition, type ParsedFamily, valueOf } from "../metrics/parseExposition.ts"
import { freePort } from "../support/freePort.ts"
import { atRest, record, setStage, withTests } from "../zoo/support/Stage.ts"
import { brokenRef, longRef } from "../../scripts/chaos/modelDriver.ts"

const fetchText = (url: string, headers: Readonly<Record<string, string>> = {}) =>
  Effect.tryPromise(async (signal) => {
    const response = await fetch(url, { headers, signal })
    return { status: response.status, type: response.headers.get("content-type"), text: await response.text() }
  })

const scrape = (port: number) =>
  Effect.map(fetchText(`http://127.0.0.1:${port}/metrics`), ({ text }) => parseExposition(text, "prometheus"))

/** The sum of all series that fit. */
const sum = (
  families: ReadonlyMap<string, ParsedFamily>,
  family: string,
  labels: Readonly<Record<string, string>>,
  name = family
) =>
  (families.get(family)?.samples ?? [])
    .filter((one) => one.name === name && Object.entries(labels).every(([label, value]) => one.labels[label] === value))
    .reduce((all, { value }) => all + value, 0)

/** What `/ready` answers, and why it is red. */
const readiness = (port: number) =>
  Effect.map(fetchText(`http://127.0.0.1:${port}/ready`), ({ status, text }) => {
    const body: unknown = JSON.parse(text)
    const reasons = Predicate.isRecord(body) && Array.isArray(body["reasons"]) ? body["reasons"].map(String) : []
    return { status, reasons }
  })

const within = <A, E>(seconds: number, what: string, look: Effect.Effect<A, E>, wanted: (seen: A) => boolean) =>
  look.pipe(
    Effect.filterOrFail(wanted),
    Effect.retry(Schedule.intersect(Schedule.spaced("100 millis"), Schedule.recurs(seconds * 10))),
    Effect.orDieWith(() => new Error(`not within ${seconds} s: ${what}`))
  )

describe("a service that is observed", () => {
  it.scopedLive("tells of real runs what is true, in a form that a scraper takes", () =>
    Effect.gen(function* () {
      const stage = yield* setStage
      const [port, metrics] = [yield* freePort, yield* freePort]
      yield* stage.serve({ environment: { SERVER_PORT: String(port), METRICS_PORT: String(metrics) } })
      yield* stage.put("good", record("good", { ...withTests, git_ref: longRef }))
      yield* stage.put("bad", record("bad", { git_ref: brokenRef, owner: "circus" }))
      yield* stage.put("wrong", { owner: "circus" })
      yield* stage.ended("good")
      yield* stage.ended("bad")
      yield* stage.until("wrong", atRest)
      yield* within(20, "healthy", scrape(metrics), (found) => sum(found, "health_check", {}) === 2)
      const found = yield* scrape(metrics)

      const jobs = (status: string, phase: string) => sum(found, "total_jobs", { status, phase })
      assert.strictEqual(sum(found, "total_jobs", { status: "pending" }), 3)
      assert.deepStrictEqual([jobs("testing", "test"), jobs("publishing", "publish")], [1, 1])
      // A build that ends before it was seen to run has never been building.
      assert.include([1, 2], jobs("building", "build"))
      assert.deepStrictEqual([jobs("succeeded", "publish"), jobs("failed", "build"), jobs("failed", "none")], [1, 1, 1])
      assert.strictEqual(valueOf(found, "total_jobs", { status: "succeeded", owner: "zoo" }), 1)
      const phases = (phase: string, status: string) =>
        sum(found, `${phase}_duration_seconds`, { status }, `${phase}_duration_seconds_count`)
      assert.deepStrictEqual([phases("build", "succeeded"), phases("build", "failed")], [1, 1])
      assert.deepStrictEqual([phases("test", "succeeded"), phases("publish", "succeeded")], [1, 1])
      const rate = (window: string, owner: string) => valueOf(found, "job_success_rate", { window, owner })
      assert.deepStrictEqual([rate("1h", "zoo"), rate("24h", "all")], [1, 1 / 3])
      assert.strictEqual(valueOf(found, "concurrent_jobs_total", {}), 0)
      assert.isEmpty(found.get("resource_usage")?.samples ?? [])

      assert.strictEqual(valueOf(found, "leader_election_master_status", {}), 1)
      const passes = sum(found, "controller_runtime_reconcile_total", {})
      assert.isAbove(passes, 5)
      const time = "controller_runtime_reconcile_time_seconds"
      assert.strictEqual(sum(found, time, {}, `${time}_count`), passes)
      assert.isAtLeast(sum(found, "workqueue_adds_total", {}), passes)
      assert.strictEqual(valueOf(found, "workqueue_depth", {}), 0)
      for (const [system, operation] of [
        ["consul", "kv.get"],
        ["consul", "watch.kv.keys"],
        ["nomad", "job.register"],
        ["nomad", "status.leader"]
      ] as const) {
        assert.isAbove(sum(found, "rest_client_requests_total", { system, operation, result: "ok" }), 0, operation)
      }
      assert.strictEqual(sum(found, "rest_client_requests_total", { operation: "job.register", result: "ok" }), 7)
      assert.isAbove(valueOf(found, "process_cpu_seconds_total", {}) ?? 0, 0)

      const open = yield* fetchText(`http://127.0.0.1:${metrics}/metrics`, {
        accept: "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3"
      })
      assert.strictEqual(open.type, "application/openmetrics-text; version=1.0.0; charset=utf-8")
      parseExposition(open.text, "openmetrics")
      const counted = yield* scrape(metrics)
      assert.strictEqual(sum(counted, "total_jobs", {}), sum(found, "total_jobs", {}))
    })
  )

  it.scopedLive("counts on where another one has led, and shows only the leader's gauges", () =>
    Effect.gen(function* () {
      const stage = yield* setStage
      const [first, second] = [yield* freePort, yield* freePort]
      const leader = yield* stage.serve({ environment: { METRICS_PORT: String(first) } })
      yield* stage.put("one", record("one"))
      yield* stage.ended("one")
      yield* stage.serve({ environment: { METRICS_PORT: String(second) } })
      const before = yield* within(20, "it serves", scrape(second), () => true)
      assert.strictEqual(sum(before, "total_jobs", {}), 0)
      assert.isEmpty(before.get("job_success_rate")?.samples ?? [])
      assert.strictEqual(valueOf(before, "leader_election_master_status", {}), 0)
      yield* Fiber.interrupt(leader)
      yield* stage.put("two", record("two"))
      yield* stage.ended("two")
      const after = yield* scrape(second)
      assert.strictEqual(valueOf(after, "leader_election_master_status", {}), 1)
      assert.strictEqual(sum(after, "total_jobs", { status: "succeeded" }), 1)
      // The one that ended before it led is in its rate, though not in its counts.
      assert.strictEqual(valueOf(after, "job_success_rate", { window: "1h", owner: "all" }), 1)
      assert.strictEqual(sum(after, "leader_election_transitions_total", {}), 1)
    })
  )

  it.scopedLive("turns red while a pass waits for what never comes, says which, and green again", () =>
    Effect.gen(function* () {
      const stage = yield* setStage
      const port = yield* freePort
      const answer = yield* Deferred.make<void>()
      let wedged = false
      yield* stage.serve({
        // Long enough for what is seen before the leader gives its office up, at twice as much.
        environment: { SERVER_PORT: String(port), WATCHDOG_PATIENCE: "4s" },
        nomad: (nomad) => ({
          ...nomad,
          allocations: (id) =>
            wedged ? Effect.zipRight(Deferred.await(answer), nomad.allocations(id)) : nomad.allocations(id)
        })
      })
      yield* stage.put("well", record("well"))
      yield* stage.ended("well")
      assert.deepStrictEqual(yield* readiness(port), { status: 200, reasons: [] })
      wedged = true
      yield* stage.put("stuck", record("stuck"))
      const red = yield* within(10, "red", readiness(port), ({ status }) => status === 503)
      assert.match(red.reasons.join(), /^1 of 16 workers wait for an answer, for \d.* over stuck$/)
      // The others are not held up by it.
      wedged = false
      yield* stage.put("other", record("other"))
      yield* stage.ended("other")
      assert.strictEqual((yield* readiness(port)).status, 503)
      yield* Deferred.succeed(answer, undefined)
      yield* within(10, "green", readiness(port), ({ status }) => status === 200)
      yield* stage.ended("stuck")
    })
  )

  it.scopedLive("turns red when something keeps the whole process from its work", () =>
    Effect.gen(function* () {
      const stage = yield* setStage
      const port = yield* freePort
      yield* stage.serve({ environment: { SERVER_PORT: String(port), WATCHDOG_PATIENCE: "4s" } })
      yield* within(20, "green", readiness(port), ({ status }) => status === 200)
      yield* Effect.sync(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3000))
      const red = yield* readiness(port)
      assert.strictEqual(red.status, 503)
      assert.match(red.reasons.join(), /event loop is \d.* late/)
      yield* within(10, "green", readiness(port), ({ status }) => status === 200)
    })
  )

  it.scopedLive("says which setting to change when the port of its metrics is taken", () =>
    Effect.gen(function* () {
      const stage = yield* setStage
      const [port, metrics] = [yield* freePort, yield* freePort]
      yield* stage.serve({ environment: { SERVER_PORT: String(port), METRICS_PORT: String(metrics) } })
      yield* within(20, "it serves", scrape(metrics), () => true)
      const second = yield* stage.serve({ ends: true, environment: { METRICS_PORT: String(metrics) } })
      const exit = yield* Fiber.await(second)
      assert.isTrue(Exit.isFailure(exit))
      assert.include(
        Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "",
        `cannot listen on 127.0.0.1:${metrics}: the port is taken; choose another port (METRICS_PORT; 0 for none)`
      )
    })
  )
})
