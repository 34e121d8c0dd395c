import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { isObject } from "../../../src/embedded/nomad/machine/GoJson.ts"
import { at, scriptJob, startAgent } from "./agent.ts"
import { textOf } from "./rawRequest.ts"
import { scripted } from "./scriptedDriver.ts"

/** What a real Nomad 1.1.2 answered. */
const recorded = (name: string): unknown => {
  const file: unknown = JSON.parse(readFileSync(new URL(`../../fixtures/nomad/${name}.json`, import.meta.url), "utf8"))
  return at(file, "response", "body") ?? at(file, "response", "text")
}

/** Fields that went between 1.1 and 1.10. */
const gone =
  /ConsulToken|VaultToken|TaskHandle|TaskGroups\[\]\.Consul|PreviousAllocation|RescheduleTracker\.|NetworkStatus/

const pathsOf = (value: unknown, path = ""): ReadonlyArray<string> => {
  if (Array.isArray(value)) return value.flatMap((item: unknown) => pathsOf(item, `${path}[]`))
  if (!isObject(value)) return [path]
  return Object.entries(value).flatMap(([key, item]) => [`${path}.${key}`, ...pathsOf(item, `${path}.${key}`)])
}

const outline = (value: unknown): ReadonlySet<string> =>
  new Set(pathsOf(value).filter((path) => !/\.(Config|Meta|Details|Labels)\b/.test(path) && !gone.test(path)))

const missingFrom = (actual: unknown, expected: unknown): ReadonlyArray<string> => {
  const have = outline(actual)
  // Null and an object are both right where a block is optional.
  return [...outline(expected)].filter((path) => !have.has(path) && !/\.v1:|\.dc\d|fx-|\$\{/.test(path))
}

const events = (allocation: unknown): ReadonlyArray<unknown> => {
  const list = at(allocation, "TaskStates", "main", "Events")
  return Array.isArray(list)
    ? list.map((event: unknown) => [at(event, "Type"), at(event, "DisplayMessage"), at(event, "Details")])
    : []
}

const first = (body: unknown): unknown => at(body, 0)

describe("beside a recorded Nomad", () => {
  it.scopedLive("a job, its allocations, evaluations and summary have every field that it has", () =>
    Effect.gen(function* () {
      const agent = yield* startAgent(scripted({ hello: { runsMs: 0 } }))
      yield* agent.call("POST", "/v1/jobs", scriptJob("web", "hello"))
      const allocation = yield* agent.ended("web")
      const read = (path: string) => Effect.map(agent.get(path), ({ json }) => json)
      const pairs: ReadonlyArray<readonly [string, unknown]> = [
        ["job-read-dead-complete", yield* read("/v1/job/web")],
        ["allocations-complete", yield* read("/v1/job/web/allocations")],
        ["allocation-read-running", yield* read(`/v1/allocation/${String(at(allocation, "ID"))}`)],
        ["evaluations-failed", yield* read("/v1/job/web/evaluations")],
        ["jobs-list-prefix", at(yield* read("/v1/jobs?prefix=web"))]
      ]
      for (const [name, actual] of pairs) assert.deepStrictEqual(missingFrom(actual, recorded(name)), [], name)
    })
  )

  it.scopedLive("a task's history reads the same, whatever way it ended", () =>
    Effect.gen(function* () {
      const agent = yield* startAgent(
        scripted({
          ok: { runsMs: 0 },
          fails: { runsMs: 0, exitCode: 42 },
          oom: { runsMs: 0, exitCode: 137, oomKilled: true }
        })
      )
      for (const [script, fixture] of [
        ["ok", "allocations-complete"],
        ["fails", "allocations-failed-exit42"],
        ["oom", "allocations-oom"]
      ] as const) {
        const image = "127.0.0.1:5000/base/busybox:latest"
        yield* agent.call("POST", "/v1/jobs", scriptJob(script, script, { Config: { image, args: [script] } }))
        const allocation = yield* agent.ended(script)
        const expected = first(recorded(fixture))
        assert.deepStrictEqual(events(allocation), events(expected), fixture)
        for (const field of ["ClientStatus", "ClientDescription", "DesiredStatus", "DesiredDescription", "JobType"]) {
          assert.strictEqual(at(allocation, field), at(expected, field), `${fixture} ${field}`)
        }
      }
    })
  )

  it.scopedLive("what it refuses is refused with its words", () =>
    Effect.gen(function* () {
      const agent = yield* startAgent(scripted({}))
      for (const [path, fixture] of [
        ["/v1/job/nobody", "error-404-job"],
        ["/v1/job/nobody/summary", "error-404-summary"],
        ["/v1/allocation/00000000-0000-0000-0000-000000000000", "error-404-allocation"],
        ["/v1/evaluation/00000000-0000-0000-0000-000000000000", "error-404-evaluation"],
        ["/v1/allocation/xyz", "error-500-bad-alloc-id"],
        ["/v1/allocations?prefix=x", "error-500-prefix-odd"],
        ["/v1/jobs?index=abc", "error-400-bad-index"],
        ["/v1/jobs?index=1&wait=abc", "error-400-bad-wait"]
      ] as const) {
        assert.strictEqual((yield* agent.get(path)).text, textOf(recorded(fixture)), fixture)
      }
    })
  )
})
