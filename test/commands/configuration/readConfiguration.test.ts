import { FileSystem } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { readConfiguration } from "../../../src/commands/configuration/readConfiguration.ts"
import { put, recorded, scratch, system } from "../support/scratch.ts"

const yaml = `owner: team
repo_url: https://git.example.com/app.git
image_name: app
registry_url: registry.example.com
`

const job = {
  owner: "team",
  repo_url: "https://git.example.com/app.git",
  image_name: "app",
  registry_url: "registry.example.com"
}

const read = (positional: string | undefined, global?: string, stdin?: string) =>
  Effect.map(
    recorded(
      readConfiguration({ positional: Option.fromNullable(positional), global: Option.fromNullable(global) }),
      stdin === undefined ? {} : { stdin: Effect.succeedSome(stdin) }
    ),
    ({ result }) => result
  )

const refused = (...given: Parameters<typeof read>) =>
  Effect.map(Effect.flip(read(...given)), ({ exitCode, message }) => {
    assert.strictEqual(exitCode, 2)
    return message
  })

/** The job of one file over another. */
const merged = Effect.fnUntraced(function* (lower: string, upper: string) {
  const folder = yield* scratch
  yield* put(`${folder}/global.yaml`, lower)
  yield* put(`${folder}/build.yaml`, upper)
  return yield* read(`${folder}/build.yaml`, `${folder}/global.yaml`)
})

describe("what submit-job is given", () => {
  it.scoped("is a file in YAML or JSON, wrapped or not", () =>
    Effect.gen(function* () {
      const folder = yield* scratch
      yield* put(`${folder}/build.yaml`, yaml)
      yield* put(`${folder}/build`, JSON.stringify({ job_config: job }))
      yield* put(`${folder}/other.json`, JSON.stringify({ jobConfig: job }))
      for (const name of ["build.yaml", "build", "other.json"]) {
        const configuration = yield* read(`${folder}/${name}`)
        assert.deepStrictEqual(configuration, {
          job,
          deployDir: "./deploy",
          version: true,
          source: `${folder}/${name}`
        })
      }
    }).pipe(Effect.provide(system))
  )

  it.effect("is the configuration itself, in YAML or JSON", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual((yield* read(JSON.stringify(job))).job, job)
      assert.deepStrictEqual((yield* read(yaml)).job, job)
      assert.strictEqual((yield* read(yaml)).source, "the argument")
    }).pipe(Effect.provide(system))
  )

  it.effect("is on stdin, where nothing is named or -", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual((yield* read(undefined, undefined, yaml)).job, job)
      assert.deepStrictEqual((yield* read("-", undefined, JSON.stringify(job))).job, job)
    }).pipe(Effect.provide(system))
  )

  it.scoped("is missing", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* refused(undefined), "no job configuration provided")
      assert.strictEqual(yield* refused(undefined, undefined, " \n"), "no job configuration provided")
      assert.strictEqual(yield* refused(""), "no job configuration provided")
      const folder = yield* scratch
      yield* put(`${folder}/build.yaml`, "# owner: team\n")
      assert.strictEqual(
        yield* refused(`${folder}/build.yaml`),
        `no job configuration provided: ${folder}/build.yaml is empty`
      )
    }).pipe(Effect.provide(system))
  )

  it.scoped("is a file that isn't there, or can't be read", () =>
    Effect.gen(function* () {
      const folder = yield* scratch
      for (const name of ["nowhere.yaml", "no.yml", "no.json", "deploy/nothing", "my build.yaml", "./no"]) {
        assert.strictEqual(yield* refused(name), `job configuration: no such file: ${name}`)
      }
      assert.match(yield* refused(folder), /^job configuration: .* cannot be read: EISDIR/)
      assert.strictEqual(
        yield* refused("biuld"),
        'job configuration: "biuld" is neither a file nor a configuration in YAML or JSON'
      )
      assert.strictEqual(
        yield* refused(yaml, `${folder}/none.yaml`),
        `global configuration: no such file: ${folder}/none.yaml`
      )
    }).pipe(Effect.provide(system))
  )

  it.effect("can't be parsed: the place is told, even where it holds a slash", () =>
    Effect.gen(function* () {
      assert.match(
        yield* refused('{"repo_url": "https://git.example.com/app.git",'),
        /^the argument: the record cannot be read as JSON or YAML: line 1, column \d+: /
      )
      assert.match(
        yield* refused(undefined, undefined, "owner: team\nowner: other\n"),
        /^stdin: the record cannot be read as JSON or YAML: line 2/
      )
      assert.strictEqual(yield* refused("[1, 2]"), "the argument: a configuration is a map of names and values")
    }).pipe(Effect.provide(system))
  )

  it.scoped("is wrong: every fault is told at once, with the file and in its own spelling", () =>
    Effect.gen(function* () {
      const folder = yield* scratch
      const path = `${folder}/build.yaml`
      yield* put(path, `${yaml}test_commands: make\ngit_reff: main\ndockerfile_context: ../x\n`)
      assert.deepStrictEqual((yield* refused(path)).split("\n"), [
        "the configuration has 3 errors:",
        `  ${path}: dockerfile_context cannot contain '..' (path traversal)`,
        `  ${path}: test_commands must be a list`,
        `  ${path}: git_reff is not a known field; did you mean git_ref?`
      ])
      assert.strictEqual(
        yield* refused("{owner: a, repo_url: 'https://h/x', image_name: b}"),
        "the argument: registry_url is required"
      )
    }).pipe(Effect.provide(system))
  )

  it.scoped("leaves old spellings to the service, and says where history goes", () =>
    Effect.gen(function* () {
      const configuration = yield* read(`${yaml}test_entry_point: true\ntest_timeout: 5m\ndeploy_dir: out/deploy\n`)
      assert.deepStrictEqual(configuration.job, {
        ...job,
        deploy_dir: "out/deploy",
        test: { entry_point: true, timeout: "5m" }
      })
      assert.strictEqual(configuration.deployDir, "out/deploy")
      assert.strictEqual((yield* read(`${yaml}deploy_dir: ""\n`)).deployDir, "./deploy")
    }).pipe(Effect.provide(system))
  )

  it.effect("may say that it wants no version, which the service never sees", () =>
    Effect.gen(function* () {
      const wrapped = (version: string) => `${version}\njob_config:\n${yaml.replaceAll(/^/gm, "  ").trimEnd()}\n`
      for (const text of [
        `${yaml}version: false\n`,
        wrapped("version: false"),
        wrapped("").replace("app\n", "app\n  version: false\n")
      ]) {
        const configuration = yield* read(text)
        assert.isFalse(configuration.version, text)
        assert.deepStrictEqual(configuration.job, job)
      }
      assert.isTrue((yield* read(`${yaml}version: true\n`)).version)
      assert.match(yield* refused(`${yaml}version: 1.2.3\n`), /^the argument: version must be true or false/)
    }).pipe(Effect.provide(system))
  )
})

describe("a global configuration", () => {
  it.scoped("gives what the build's own doesn't", () =>
    Effect.gen(function* () {
      const { job: result, source } = yield* merged(
        `${yaml}git_ref: main\nimage_tags: [a, b]\n`,
        "git_ref: develop\nimage_tags: [c]\n"
      )
      assert.deepStrictEqual(result, { ...job, git_ref: "develop", image_tags: ["c"] })
      assert.match(source, /build\.yaml over .*global\.yaml$/)
    }).pipe(Effect.provide(system))
  )

  it.scoped("is merged deeply: maps by their keys, lists as a whole, whatever the value is", () =>
    Effect.gen(function* () {
      const { job: result } = yield* merged(
        `${yaml}clear_cache: true
image_tags: [a]
webhook_url: https://hooks.example.com/x
test:
  commands: [make test, make lint]
  entry_point: true
  env: {A: one, B: two}
resource_limits: {cpu: "1000", build: {cpu: "4000", memory: "8192"}}
`,
        `clear_cache: false
image_tags: []
webhook_url: ""
test:
  commands: [make quick]
  entry_point: false
  env: {B: ""}
resource_limits: {build: {cpu: "2000"}}
`
      )
      assert.deepStrictEqual(result, {
        ...job,
        clear_cache: false,
        image_tags: [],
        test: { commands: ["make quick"], entry_point: false, env: { A: "one", B: "" } },
        resource_limits: { cpu: "1000", build: { cpu: "2000", memory: "8192" } }
      })
    }).pipe(Effect.provide(system))
  )

  it.scoped("may have another spelling than the build's own", () =>
    Effect.gen(function* () {
      const { job: result } = yield* merged(
        JSON.stringify({
          jobConfig: { ...job, test_commands: ["make test"], image_tags: '["a"]' },
          labels: { x: "1" }
        }),
        JSON.stringify({ job_config: { test: { commands: ["make quick"] }, image_tags: null }, labels: { y: "2" } })
      )
      assert.deepStrictEqual(result, {
        ...job,
        image_tags: [],
        labels: { x: "1", y: "2" },
        test: { commands: ["make quick"] }
      })
    }).pipe(Effect.provide(system))
  )

  it.scoped("also stands below stdin and below an argument", () =>
    Effect.gen(function* () {
      const folder = yield* scratch
      const global = `${folder}/global.yaml`
      yield* put(global, `${yaml}version: false\n`)
      for (const configuration of [
        yield* read(undefined, global, "git_ref: develop\n"),
        yield* read('{"git_ref": "develop"}', global)
      ]) {
        assert.deepStrictEqual(configuration.job, { ...job, git_ref: "develop" })
        assert.isFalse(configuration.version)
      }
      assert.isTrue((yield* read("version: true", global)).version)
      yield* put(global, "# nothing yet\n")
      assert.deepStrictEqual((yield* read(yaml, global)).job, job)
    }).pipe(Effect.provide(system))
  )

  it.scoped("is named where a fault stands in it", () =>
    Effect.gen(function* () {
      const folder = yield* scratch
      const [global, build] = [`${folder}/global.yaml`, `${folder}/build.yaml`]
      yield* put(global, "owner: team\nrepo_url: https://h/x.git\nimage_name: App\ntest: {commands: [1]}\n")
      yield* put(build, "git_ref: -x\nimage_tags: [ok, 'no good']\n")
      const lines = (yield* refused(build, global)).split("\n").slice(1)
      assert.deepStrictEqual(
        lines.map((line) => line.replace(/^ {2}(.*?): (\S+).*$/, "$1 $2")),
        [
          `${build} git_ref`,
          `${global} image_name`,
          `${build} over ${global} registry_url`,
          `${build} image_tags[1]`,
          `${global} test.commands[0]`
        ]
      )
      yield* put(global, "test_commands: [a]\ntest: {commands: [b]}\n")
      assert.strictEqual(
        yield* refused(build, global),
        `${global}: test_commands and test.commands are both given and differ; keep test.commands`
      )
    }).pipe(Effect.provide(system))
  )

  it.scoped("can't be a folder", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const folder = yield* scratch
      yield* fs.makeDirectory(`${folder}/global.yaml`)
      assert.match(yield* refused(yaml, `${folder}/global.yaml`), /^global configuration: .* cannot be read: EISDIR/)
    }).pipe(Effect.provide(system))
  )
})
