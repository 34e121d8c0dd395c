import { assert, describe, layer } from "@effect/vitest"
import { Context, Effect, Layer, Option } from "effect"
import { brokenRef, endlessRef, failingTest, longRef } from "../../scripts/chaos/modelDriver.ts"
import { Unavailable } from "../../src/http/ApiError.ts"
import { parseExposition, type ParsedFamily, type Sample, valueOf } from "../metrics/parseExposition.ts"
import { eventually } from "../support/eventually.ts"
import { freePort } from "../support/freePort.ts"
import { record, setStage, withTests } from "../zoo/support/Stage.ts"

type Families = ReadonlyMap<string, ParsedFamily>

const scrapeUntil = Effect.fnUntraced(function* (port: number, what: string, holds: (found: Families) => boolean) {
  const scrape = Effect.tryPromise(async (signal) =>
    parseExposition(await (await fetch(`http://127.0.0.1:${port}/metrics`, { signal })).text(), "prometheus")
  )
  const fits = (found: Option.Option<Families>): boolean => Option.exists(found, holds)
  yield* eventually(what, Effect.map(Effect.option(scrape), fits))
  return yield* Effect.orDie(scrape)
})

/** What is told before any job, while one runs, and when four have ended: one well, one each in build and test, one killed. */
class Story extends Context.Tag("test/contract/Story")<
  Story,
  { readonly before: Families; readonly during: Families; readonly after: Families; readonly running: string }
>() {
  static readonly layer = Layer.scoped(
    Story,
    Effect.gen(function* () {
      const stage = yield* setStage
      const port = yield* freePort
      yield* stage.serve({ environment: { METRICS_PORT: String(port) } })
      const before = yield* scrapeUntil(
        port,
        "it leads, and has looked at both services",
        (found) =>
          valueOf(found, "leader_election_master_status", {}) === 1 &&
          valueOf(found, "health_check", { service: "nomad" }) === 1
      )
      yield* stage.put("slow", record("slow", { git_ref: endlessRef }))
      const { job_id: running = "" } = yield* stage.until("slow", ({ attempts }) =>
        attempts.some(({ started_at }) => started_at !== undefined)
      )
      const during = yield* scrapeUntil(port, "one runs", (found) => valueOf(found, "concurrent_jobs_total", {}) === 1)
      yield* stage.put("slow", { ...record("slow", { git_ref: endlessRef }), state: "cancelled" })
      yield* stage.put("good", record("good", { ...withTests, git_ref: longRef }))
      yield* stage.put("broken", record("broken", { git_ref: brokenRef, owner: "circus" }))
      yield* stage.put("red", record("red", { git_ref: longRef, test: { commands: [failingTest] }, owner: "circus" }))
      yield* Effect.forEach(["slow", "good", "broken", "red"], (name) => stage.ended(name))
      const after = yield* scrapeUntil(
        port,
        "four have ended",
        (found) => total(found, { status: "succeeded" }) + total(found, { status: "failed" }) === 4
      )
      return { before, during, after, running }
    })
  )
}

const samplesOf = (found: Families, name: string): ReadonlyArray<Sample> => found.get(name)?.samples ?? []

const labelsOf = (sample: Sample | undefined): ReadonlyArray<string> =>
  Object.keys(sample?.labels ?? {}).filter((label) => label !== "le")

const sum = (found: Families, name: string, labels: Readonly<Record<string, string>>, sample = name): number =>
  samplesOf(found, name)
    .filter((one) => one.name === sample && Object.entries(labels).every(([key, value]) => one.labels[key] === value))
    .reduce((all, { value }) => all + value, 0)

const total = (found: Families, labels: Readonly<Record<string, string>>): number => sum(found, "total_jobs", labels)

const bounds = (found: Families, name: string): ReadonlyArray<number> => [
  ...new Set(
    samplesOf(found, name).flatMap(({ labels }) => {
      const { le } = labels
      return le === undefined || le === "+Inf" ? [] : [Number(le)]
    })
  )
]

/** Name, buckets in seconds, how often a phase of it ended well and badly in the story; killed is badly. */
const histograms = [
  ["build_duration_seconds", [30, 60, 120, 300, 600, 1200, 1800, 3600], 2, 2],
  ["test_duration_seconds", [10, 30, 60, 120, 300, 600, 900, 1800], 1, 1],
  ["publish_duration_seconds", [5, 15, 30, 60, 120, 300], 1, 0]
] as const

layer(Story.layer, { excludeTestServices: true, timeout: "60 seconds" })("the interface's section 10", (it) => {
  for (const [name, buckets, well, badly] of histograms) {
    describe(name, () => {
      it.effect(`10: ${name} is a histogram with the labels status and owner, and the documented buckets`, () =>
        Effect.map(Story, ({ after, before }) => {
          assert.strictEqual(before.get(name)?.type, "histogram")
          assert.deepStrictEqual(bounds(after, name), buckets)
          for (const sample of samplesOf(after, name)) assert.sameMembers([...labelsOf(sample)], ["status", "owner"])
        })
      )

      it.effect(`10: ${name} begins with 0 for both statuses of an owner as soon as there is one`, () =>
        Effect.map(Story, ({ during }) => {
          for (const status of ["succeeded", "failed"]) {
            assert.strictEqual(valueOf(during, name, { status, owner: "zoo" }, `${name}_count`), 0)
          }
        })
      )

      it.effect(`10: ${name} counts each phase that ended, by how it did`, () =>
        Effect.map(Story, ({ after }) => {
          const count = (status: string) => sum(after, name, { status }, `${name}_count`)
          assert.deepStrictEqual([count("succeeded"), count("failed")], [well, badly])
          assert.isAbove(sum(after, name, {}, `${name}_sum`), 0)
        })
      )
    })
  }

  it.effect("10: job_success_rate is a gauge with the labels window and owner, for 1h and 24h", () =>
    Effect.map(Story, ({ after }) => {
      const name = "job_success_rate"
      assert.strictEqual(after.get(name)?.type, "gauge")
      for (const window of ["1h", "24h"]) {
        // What somebody cancelled tells nothing about success.
        assert.strictEqual(valueOf(after, name, { window, owner: "zoo" }), 1)
        assert.strictEqual(valueOf(after, name, { window, owner: "circus" }), 0)
        assert.strictEqual(valueOf(after, name, { window, owner: "all" }), 1 / 3)
      }
      for (const sample of samplesOf(after, name)) assert.sameMembers([...labelsOf(sample)], ["window", "owner"])
    })
  )

  it.effect("10: job_success_rate is there before any job has ended, for both windows", () =>
    Effect.map(Story, ({ before }) => {
      for (const window of ["1h", "24h"]) assert.isNaN(valueOf(before, "job_success_rate", { window, owner: "all" }))
    })
  )

  it.effect("10: concurrent_jobs_total is a gauge without labels: 0 before, 1 while one runs, 0 after", () =>
    Effect.map(Story, ({ after, before, during }) => {
      const name = "concurrent_jobs_total"
      assert.strictEqual(before.get(name)?.type, "gauge")
      assert.deepStrictEqual(labelsOf(samplesOf(before, name)[0]), [])
      assert.deepStrictEqual(
        [before, during, after].map((found) => valueOf(found, name, {})),
        [0, 1, 0]
      )
    })
  )

  it.effect("10: total_jobs is a counter with the labels status, phase and owner, in lower case", () =>
    Effect.map(Story, ({ after }) => {
      assert.strictEqual(after.get("total_jobs")?.type, "counter")
      for (const sample of samplesOf(after, "total_jobs")) {
        assert.sameMembers([...labelsOf(sample)], ["status", "phase", "owner"])
        assert.match(sample.labels["status"] ?? "", /^(pending|building|testing|publishing|succeeded|failed)$/)
      }
    })
  )

  it.effect("10: total_jobs begins with 0 for each status of an owner as soon as there is one", () =>
    Effect.map(Story, ({ during }) => {
      for (const [status, phase] of [
        ["testing", "test"],
        ["publishing", "publish"],
        ["succeeded", "publish"],
        ["failed", "build"],
        ["failed", "test"],
        ["failed", "publish"]
      ] as const) {
        assert.strictEqual(valueOf(during, "total_jobs", { status, phase, owner: "zoo" }), 0)
      }
    })
  )

  it.effect("10: total_jobs counts the jobs that came to a status, by phase and owner", () =>
    Effect.map(Story, ({ after }) => {
      assert.strictEqual(total(after, { status: "pending" }), 4)
      // The one whose build ends at once may never have been building.
      assert.include([3, 4], total(after, { status: "building" }))
      assert.strictEqual(total(after, { status: "succeeded", phase: "publish", owner: "zoo" }), 1)
      assert.strictEqual(total(after, { status: "failed", phase: "build", owner: "circus" }), 1)
      assert.strictEqual(total(after, { status: "failed", phase: "test", owner: "circus" }), 1)
      // Documented for alerts.
      assert.isAbove(total(after, { status: "failed" }), 0)
    })
  )

  it.effect("10: resource_usage is a gauge with the labels resource_type, job_id and phase, while a step runs", () =>
    Effect.map(Story, ({ after, before, during, running }) => {
      const name = "resource_usage"
      assert.strictEqual(before.get(name)?.type, "gauge")
      const usage = (type: string) => valueOf(during, name, { resource_type: type, job_id: running, phase: "build" })
      assert.deepStrictEqual([usage("cpu"), usage("memory"), usage("disk")], [1000, 2048, 10_240])
      assert.sameMembers([...labelsOf(samplesOf(during, name)[0])], ["resource_type", "job_id", "phase"])
      // A series of every job for ever would have no bound.
      assert.isEmpty(samplesOf(after, name))
    })
  )

  it.effect("10: health_check is a gauge with the label service: 1 for consul and for nomad that answer", () =>
    Effect.map(Story, ({ after }) => {
      assert.strictEqual(after.get("health_check")?.type, "gauge")
      assert.deepStrictEqual(
        samplesOf(after, "health_check").map(({ labels, value }) => [labels, value]),
        [
          [{ service: "consul" }, 1],
          [{ service: "nomad" }, 1]
        ]
      )
    })
  )

  it.scoped("10: health_check is 0 for a service that does not answer", () =>
    Effect.gen(function* () {
      const stage = yield* setStage
      const port = yield* freePort
      const away = new Unavailable({ system: "nomad", operation: "status.leader", detail: "connection refused" })
      yield* stage.serve({
        environment: { METRICS_PORT: String(port) },
        nomad: (nomad) => ({ ...nomad, leader: () => away })
      })
      const health = (found: Families) =>
        ["consul", "nomad"].map((service) => valueOf(found, "health_check", { service }))
      const found = yield* scrapeUntil(port, "Consul was looked at", (one) => health(one)[0] === 1)
      assert.deepStrictEqual(health(found), [1, 0])
    })
  )

  it.effect("10: the process's own metrics are there", () =>
    Effect.map(Story, ({ after }) => {
      assert.isAbove(valueOf(after, "process_resident_memory_bytes", {}) ?? 0, 1_000_000)
      assert.isAbove(valueOf(after, "process_cpu_seconds_total", {}) ?? 0, 0)
    })
  )
})
