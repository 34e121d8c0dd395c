import { spawnSync } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { field } from "../server/httpScenes.ts"
import { Installation } from "./support/Installation.ts"
import { missingPrograms, titled } from "./support/requirements.ts"

const minutes = 60_000

describe.skipIf(missingPrograms.length > 0)(titled("npm run test:deployed"), () => {
  let dev: Installation
  const folder = mkdtempSync(join(tmpdir(), "jobforge-deployed-"))

  beforeAll(async () => {
    dev = await Installation.start()
  }, 2 * minutes)
  afterAll(async () => {
    await dev?.stop()
    rmSync(folder, { recursive: true, force: true })
  }, minutes)

  const run = (environment: Readonly<Record<string, string>>) => {
    const { PATH = "" } = process.env
    const results = join(folder, "results")
    return spawnSync(process.execPath, ["--import", "tsx", "scripts/deployed.ts"], {
      env: { PATH, TEST_RESULTS: results, REGISTRY_URL: dev.registry, ...environment },
      encoding: "utf8"
    })
  }

  it(
    "finds the service through Consul, has it build, test and publish, and writes what came of it",
    () => {
      const { status, stderr, stdout } = run({ CONSUL_HTTP_ADDR: `127.0.0.1:${dev.ports.consul}` })
      assert.strictEqual(status, 0, `${stdout}${stderr}`)
      const files = readdirSync(join(folder, "results"))
      const ids = files.flatMap((file) => /^test_result_(.*)\.json$/.exec(file)?.[1] ?? [])
      assert.strictEqual(ids.length, 2)
      const read = (file: string) => readFileSync(join(folder, "results", file), "utf8")
      const expected = ids.flatMap((id) => [`build_logs_${id}.txt`, `test_logs_${id}.txt`, `test_result_${id}.json`])
      assert.sameMembers(
        files.filter((file) => file !== "hello-world"),
        expected
      )
      const greetings = ids.map((id) => /\] (Hello .*)$/m.exec(read(`test_logs_${id}.txt`))?.[1])
      assert.sameMembers(greetings, ["Hello World", "Hello Claude"])
      for (const id of ids) {
        const result: unknown = JSON.parse(read(`test_result_${id}.json`))
        const fields = ["job_id", "build_success", "test_success", "build_logs", "test_logs", "timestamp", "duration"]
        assert.deepStrictEqual(Object.keys(Object(result)), fields)
        assert.strictEqual(field(result, "job_id"), id)
        assert.strictEqual(field(result, "build_success"), true)
        assert.strictEqual(field(result, "test_success"), true)
        assert.isAbove(Number(field(result, "duration")), 1_000_000)
        assert.match(String(field(result, "timestamp")), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
        assert.match(read(`build_logs_${id}.txt`), /Build completed successfully|Successfully tagged|COMMIT/)
      }
    },
    5 * minutes
  )

  it(
    "says what is wrong with an image that greets nobody, and fails",
    () => {
      const { status, stdout } = run({
        JOB_SERVICE_URL: `127.0.0.1:${dev.ports.service}`,
        REPO_URL: `file://${join(folder, "missing")}`
      })
      assert.strictEqual(status, 1, stdout)
      assert.match(stdout, /FAILED: [0-9a-f-]{36} ended as FAILED: .*\n/)
      assert.match(stdout, /FAILED: [0-9a-f-]{36}: no line of its test's log is "Hello Claude"/)
    },
    5 * minutes
  )

  it("says what it needs where there is no service", () => {
    const none = run({ CONSUL_HTTP_ADDR: "127.0.0.1:1" })
    assert.strictEqual(none.status, 2, none.stdout)
    assert.include(none.stdout, "set CONSUL_HTTP_ADDR or JOB_SERVICE_URL")
  })
})
