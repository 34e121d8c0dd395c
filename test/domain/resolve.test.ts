import { assert, describe, it } from "@effect/vitest"
import { Duration } from "effect"
import { type JobDefaults, resolveJob, systemLimits, testCases } from "../../src/domain/resolve.ts"
import { accepted, minimal } from "./records.ts"

const defaults: JobDefaults = {
  buildTimeout: Duration.minutes(30),
  testTimeout: Duration.minutes(15),
  limits: systemLimits
}

const resolve = (fields: object, settings: JobDefaults = defaults) =>
  resolveJob(accepted({ ...minimal, ...fields }).job, settings)

describe("resolveJob", () => {
  it("fills in every default", () => {
    assert.deepStrictEqual(resolve({}), {
      ...minimal,
      git_ref: "main",
      dockerfile_path: "Dockerfile",
      dockerfile_context: ".",
      image_tags: [],
      clear_cache: false,
      build_timeout: Duration.minutes(30),
      test: {
        commands: [],
        env: {},
        vault_policies: [],
        vault_secrets: [],
        entry_point: false,
        timeout: Duration.minutes(15),
        gpu_required: false,
        gpu_count: 0,
        constraints: []
      },
      resources: systemLimits,
      webhook_on_success: true,
      webhook_on_failure: true,
      webhook_headers: {}
    })
  })

  it("keeps everything that the job says", () => {
    const said = {
      git_ref: "v1",
      dockerfile_path: "a/Dockerfile",
      dockerfile_context: "a",
      image_tags: ["x"],
      git_credentials_path: "secret/git",
      registry_credentials_path: "secret/registry",
      clear_cache: true,
      webhook_url: "https://example.com/",
      webhook_secret: "s",
      webhook_on_success: false,
      webhook_on_failure: false,
      webhook_headers: { A: "b" }
    }
    const test = {
      commands: ["true"],
      env: { A: "b" },
      vault_policies: ["p"],
      vault_secrets: [{ path: "x", fields: { a: "B" } }],
      entry_point: true,
      gpu_required: true,
      gpu_count: 2
    }
    const constraints = [
      { attribute: "a", value: "b" },
      { attribute: "c", operand: "is_set" }
    ]
    const resolved = resolve({ ...said, build_timeout: "1h", test: { ...test, timeout: "1m", constraints } })
    assert.deepStrictEqual(resolved, {
      ...minimal,
      ...said,
      build_timeout: Duration.hours(1),
      test: {
        ...test,
        timeout: Duration.minutes(1),
        constraints: [
          { attribute: "a", operand: "=", value: "b" },
          { attribute: "c", operand: "is_set", value: "" }
        ]
      },
      resources: systemLimits
    })
  })

  it("leaves out what only the command line needs", () => {
    assert.notProperty(resolve({ deploy_dir: "x" }), "deploy_dir")
  })
})

describe("the limits of a phase", () => {
  it("are the system's where nobody says anything", () => {
    assert.deepStrictEqual(resolve({}).resources, {
      build: { cpu: 1000, memory: 2048, disk: 10_240 },
      test: { cpu: 500, memory: 1024, disk: 2048 },
      publish: { cpu: 500, memory: 1024, disk: 2048 }
    })
  })

  it("are the global ones for all phases", () => {
    const resource_limits = { cpu: "2000", memory: "4096", disk: "20480" }
    const global = { cpu: 2000, memory: 4096, disk: 20_480 }
    assert.deepStrictEqual(resolve({ resource_limits }).resources, { build: global, test: global, publish: global })
  })

  it("are the phase's own before the global ones, each value for itself", () => {
    const resource_limits = { cpu: 2000, memory: 4096, build: { cpu: 4000 }, publish: { disk: 100 } }
    assert.deepStrictEqual(resolve({ resource_limits }).resources, {
      build: { cpu: 4000, memory: 4096, disk: 10_240 },
      test: { cpu: 2000, memory: 4096, disk: 2048 },
      publish: { cpu: 2000, memory: 4096, disk: 100 }
    })
  })

  it("are for a test those of test, then of resource_limits.test, then the global ones", () => {
    const resource_limits = { cpu: 1, memory: 11, disk: 111, test: { cpu: 2, memory: 22 } }
    const { resources } = resolve({ resource_limits, test: { resource_limits: { cpu: 3 } } })
    assert.deepStrictEqual(resources.test, { cpu: 3, memory: 22, disk: 111 })
  })

  it("follow the settings where the job says nothing", () => {
    const build = { cpu: 7, memory: 70, disk: 700 }
    const settings = { ...defaults, limits: { ...systemLimits, build } }
    assert.deepStrictEqual(resolve({ resource_limits: { cpu: 1 } }, settings).resources.build, { ...build, cpu: 1 })
  })
})

describe("testCases", () => {
  const cases = (test: object) => testCases(resolve({ test }))

  it("are none without commands and entry point", () => {
    assert.deepStrictEqual(testCases(resolve({})), [])
    assert.deepStrictEqual(cases({ env: { A: "b" } }), [])
    assert.deepStrictEqual(cases({ commands: [], entry_point: false }), [])
  })

  it("are one for each command, and the entry point besides", () => {
    assert.deepStrictEqual(cases({ commands: ["a"] }), [{ kind: "command", index: 0, command: "a" }])
    assert.deepStrictEqual(cases({ entry_point: true }), [{ kind: "entry-point" }])
    assert.deepStrictEqual(cases({ commands: ["a", "b"], entry_point: true }), [
      { kind: "command", index: 0, command: "a" },
      { kind: "command", index: 1, command: "b" },
      { kind: "entry-point" }
    ])
  })
})
