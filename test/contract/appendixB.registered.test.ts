import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { httpDesk } from "../server/httpDesk.ts"
import { field, over, submitted } from "../server/httpScenes.ts"
import { record, setStage } from "../zoo/support/Stage.ts"

/** What Nomad is given for each phase of a job with this configuration. */
const registered = (more: object) =>
  Effect.gen(function* () {
    const stage = yield* setStage
    const jobs: Array<unknown> = []
    yield* stage.serve({
      nomad: (nomad) => ({
        ...nomad,
        register: (job, options) => {
          jobs.push(job)
          return nomad.register(job, options)
        }
      })
    })
    const desk = yield* httpDesk({ consul: stage.consul, nomad: stage.nomad })
    const config = record("app", { test: { commands: ["true"] }, ...more })
    const { json } = yield* over(desk, yield* submitted(desk, config))
    assert.strictEqual(field(json, "status"), "SUCCEEDED")
    const phase = (name: string) => {
      const job = jobs.find((one) => field(one, "Meta", "phase") === name)
      const group = field(job, "TaskGroups", 0)
      const task = field(group, "Tasks", 0)
      const resources = field(task, "Resources")
      return {
        env: field(task, "Env"),
        limits: [field(resources, "CPU"), field(resources, "MemoryMB"), field(group, "EphemeralDisk", "SizeMB")]
      }
    }
    return { build: phase("build"), test: phase("test"), publish: phase("publish") }
  })

describe("the interface's Appendix B, limits", () => {
  it.scopedLive("Appendix B: without limits each phase has its defaults", () =>
    Effect.gen(function* () {
      const { build, publish, test } = yield* registered({})
      assert.deepStrictEqual(build.limits, [1000, 2048, 10_240])
      assert.deepStrictEqual(test.limits, [500, 1024, 2048])
      assert.deepStrictEqual(publish.limits, [500, 1024, 2048])
    })
  )

  it.scopedLive("Appendix B: global limits alone are those of all phases", () =>
    Effect.gen(function* () {
      const limits = { cpu: "2000", memory: "4096", disk: "20480" }
      const { build, publish, test } = yield* registered({ resource_limits: limits })
      for (const phase of [build, test, publish]) assert.deepStrictEqual(phase.limits, [2000, 4096, 20_480])
    })
  )

  it.scopedLive("Appendix B: limits per phase are those of their phases", () =>
    Effect.gen(function* () {
      const { build, publish, test } = yield* registered({
        resource_limits: {
          build: { cpu: "4000", memory: "8192", disk: "30720" },
          test: { cpu: "1000", memory: "2048", disk: "4096" },
          publish: { cpu: "600", memory: "1100", disk: "3000" }
        }
      })
      assert.deepStrictEqual(build.limits, [4000, 8192, 30_720])
      assert.deepStrictEqual(test.limits, [1000, 2048, 4096])
      assert.deepStrictEqual(publish.limits, [600, 1100, 3000])
    })
  )

  it.scopedLive("Appendix B: mixed limits: cpu 2000, memory 4096, build.cpu 4000 is 4000/4096 and 2000/4096", () =>
    Effect.gen(function* () {
      const { build, publish, test } = yield* registered({
        resource_limits: { cpu: "2000", memory: "4096", build: { cpu: "4000" } }
      })
      assert.deepStrictEqual(build.limits, [4000, 4096, 10_240])
      assert.deepStrictEqual(test.limits, [2000, 4096, 2048])
      assert.deepStrictEqual(publish.limits, [2000, 4096, 2048])
    })
  )
})

describe("the interface's Appendix B, dockerfile_context", () => {
  it.scopedLive("Appendix B: the default context is .", () =>
    Effect.gen(function* () {
      const { build } = yield* registered({})
      assert.strictEqual(field(build.env, "JOBFORGE_CONTEXT"), ".")
      assert.strictEqual(field(build.env, "JOBFORGE_DOCKERFILE"), "Dockerfile")
    })
  )

  it.scopedLive("Appendix B: a subdirectory's Dockerfile and context reach the build as they were given", () =>
    Effect.gen(function* () {
      const { build } = yield* registered({ dockerfile_path: "subdir/Dockerfile", dockerfile_context: "subdir/" })
      assert.strictEqual(field(build.env, "JOBFORGE_CONTEXT"), "subdir/")
      assert.strictEqual(field(build.env, "JOBFORGE_DOCKERFILE"), "subdir/Dockerfile")
    })
  )
})
