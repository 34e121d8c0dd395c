import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger, LogLevel, Schema } from "effect"
import { register } from "../../src/controller/register.ts"
import { Nomad } from "../../src/nomad/Nomad.ts"
import { makeRedactor } from "../../src/redaction/Redactor.ts"
import { Redaction } from "../../src/store/Redaction.ts"
import { readSettings } from "../../src/store/Settings.ts"
import { valid, World } from "../support/world.ts"

const secret = 'what-"nobody"-may-see'

/** What is logged while a build is registered whose record tells a secret. */
const logged = (environment: Readonly<Record<string, string>>) =>
  Effect.gen(function* () {
    const { faults, settings } = readSettings({ VAULT_ENABLED: "false", ...environment }, {})
    assert.deepStrictEqual(faults, [])
    const world = new World()
    world.record = valid({ git_ref: secret })
    world.pass()
    const attempt = world.status?.attempts[0]
    if (world.status === undefined || attempt === undefined) return assert.fail("nothing was announced")
    const lines: Array<Readonly<Record<string, unknown>>> = []
    const logger = Logger.make<unknown, void>(({ annotations, logLevel, message }) => {
      lines.push({ level: logLevel.label, message: String(message), ...Object.fromEntries(annotations) })
    })
    yield* register("lab", settings, world.status, attempt).pipe(
      Effect.provide(
        Layer.mock(Nomad, { register: () => Effect.succeed({ evalId: "", jobModifyIndex: 1, warnings: "" }) })
      ),
      Effect.provideService(Redaction, {
        own: makeRedactor([]),
        of: () => Effect.succeed({ ...makeRedactor([secret]), unread: [] })
      }),
      Effect.provide(Logger.replace(Logger.defaultLogger, logger)),
      Logger.withMinimumLogLevel(LogLevel.Debug)
    )
    return lines
  })

const textIn = (line: Readonly<Record<string, unknown>> | undefined, field: string): string =>
  Buffer.from(String(line?.[field]), "base64").toString()

const quiet = ["Build job submitted to Nomad"]

describe("the spec of a step", () => {
  it.effect("is in no log unless it is asked for", () =>
    Effect.gen(function* () {
      for (const environment of [{}, { LOG_HCL_FORMAT: "true" }]) {
        assert.deepStrictEqual(
          (yield* logged(environment)).map(({ message }) => message),
          quiet
        )
      }
    })
  )

  it.effect("is logged as JSON at level debug, whole and without secrets, with a word on how to read it", () =>
    Effect.gen(function* () {
      const [spec, hint, ...rest] = yield* logged({ LOG_JOB_SPECS: "true" })
      assert.deepStrictEqual(
        rest.map(({ message }) => message),
        quiet
      )
      assert.deepInclude(spec, { level: "DEBUG", message: "Nomad job spec" })
      assert.deepInclude(hint, { level: "INFO", decode: "echo <job_spec_json_b64> | base64 -d | jq ." })
      const text = textIn(spec, "job_spec_json_b64")
      const { Job } = parseJob(text)
      assert.strictEqual(Job.ID, spec?.["nomadJob"])
      assert.strictEqual(Job.TaskGroups[0].Tasks[0].Env["JOBFORGE_GIT_REF"], "[redacted]")
      assert.notInclude(text, JSON.stringify(secret).slice(1, -1))
    })
  )

  it.effect("is logged as HCL with LOG_HCL_FORMAT", () =>
    Effect.gen(function* () {
      const [spec, hint] = yield* logged({ LOG_JOB_SPECS: "true", LOG_HCL_FORMAT: "true" })
      assert.deepInclude(hint, { level: "INFO", decode: "echo <job_spec_hcl_b64> | base64 -d" })
      const text = textIn(spec, "job_spec_hcl_b64")
      assert.isTrue(text.startsWith(`job "${String(spec?.["nomadJob"])}" {`))
      assert.include(text, '"JOBFORGE_GIT_REF" = "[redacted]"')
    })
  )
})

const parseJob = Schema.decodeUnknownSync(
  Schema.parseJson(
    Schema.Struct({
      Job: Schema.Struct({
        ID: Schema.String,
        TaskGroups: Schema.Tuple(
          Schema.Struct({
            Tasks: Schema.Tuple(Schema.Struct({ Env: Schema.Record({ key: Schema.String, value: Schema.String }) }))
          })
        )
      })
    })
  )
)
