import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Status } from "../../src/domain/Status.ts"
import { field } from "../server/httpScenes.ts"
import { eventually } from "../support/eventually.ts"
import { assertSigned, bodyOf, receiver } from "../webhooks/receiver.ts"
import { Installation } from "./support/Installation.ts"
import { busybox, makeRepository } from "./support/repositories.ts"
import { missingPrograms, titled } from "./support/requirements.ts"

const hello = `#!/bin/sh\necho "Hello $WORLD"\n`
const helloImage = `${busybox}\nCOPY hello /usr/bin/hello\nENV WORLD=World\nENTRYPOINT ["/usr/bin/hello"]\n`

const minutes = 60_000

describe.skipIf(missingPrograms.length > 0)(titled("repositories through jobforge dev"), () => {
  let dev: Installation

  beforeAll(async () => {
    // Its webhooks' receiver is on this machine, where a stranger's would be refused.
    dev = await Installation.start({ environment: { WEBHOOK_ALLOW: "127.0.0.0/8" } })
  }, 2 * minutes)
  afterAll(() => dev?.stop(), minutes)

  const record = (name: string, files: Readonly<Record<string, string>>, contexts?: ReadonlyArray<string>) => ({
    owner: "e2e",
    repo_url: makeRepository(join(dev.folder, "repositories", name), files, contexts),
    image_name: `e2e/${name}`,
    image_tags: ["latest", "v1"],
    registry_url: dev.registry
  })

  /** The registry holds the promised tags, all of the digest that was tested, and no temporary image. */
  const published = async (status: Status, name: string) => {
    assert.strictEqual(status.status, "SUCCEEDED", status.error)
    const digest = status.digest ?? ""
    assert.deepStrictEqual(await dev.tags(`e2e/${name}`), {
      [status.job_id ?? ""]: digest,
      latest: digest,
      v1: digest
    })
    await noneLeft(status)
  }

  const noneLeft = async (status: Status) => {
    assert.deepStrictEqual(await dev.tags(`temp/${status.job_id}`), {})
  }

  const attempt = (status: Status, phase: string) => {
    const found = status.attempts.find((one) => one.phase === phase)
    if (found === undefined) throw new Error(`no ${phase} attempt`)
    return found
  }

  it("answers its probes", async () => {
    const probe = async (path: string): Promise<string> => {
      const response = await fetch(`http://127.0.0.1:${dev.ports.service}${path}`)
      return `${response.status} ${(await response.text()).trimEnd()}`
    }
    const time = String.raw`"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"`
    const engines = '{"consul":"healthy","nomad":"healthy"}'
    const leader = `{"address":"[^"]*127.0.0.1:${dev.ports.service}","self":true}`
    // The election takes a moment.
    for (let tries = 0; tries < 100 && !(await probe("/health")).includes('"self":true'); tries++) {
      await pause(100)
    }
    assert.match(
      await probe("/health"),
      new RegExp(`^200 {"status":"healthy","services":${engines},"leader":${leader},"timestamp":${time}}$`)
    )
    assert.match(await probe("/ready"), new RegExp(`^200 {"status":"ready","timestamp":${time}}$`))
  })

  it(
    "Appendix B: without tests there is no test_start, and the build pushes the final image",
    { timeout: 3 * minutes },
    async () => {
      await dev.put("plain", record("plain", { Dockerfile: helloImage, hello }))
      const status = await dev.ended("plain")
      await published(status, "plain")
      assert.deepStrictEqual(
        status.attempts.map(({ phase }) => phase),
        ["build"]
      )
      assert.isUndefined(status.times.test_start)
      assert.match(status.commit ?? "", /^[0-9a-f]{40}$/)
      const log = await dev.log(status, attempt(status, "build").nomad_job_id, "stdout")
      assert.include(log, "STEP 1/")
      assert.include(log, "Build completed successfully")
    }
  )

  it("runs two commands side by side and publishes what they tested", { timeout: 3 * minutes }, async () => {
    const test = { commands: ["echo one; hello | grep -q World", "echo two >&2; test -x /usr/bin/hello"] }
    await dev.put("commands", { ...record("commands", { Dockerfile: helloImage, hello }), test })
    const status = await dev.ended("commands")
    await published(status, "commands")
    const [first, second] = status.attempts.filter(({ phase }) => phase === "test")
    assert.strictEqual(await dev.log(status, first?.nomad_job_id ?? "", "stdout"), "one\n")
    assert.strictEqual(await dev.log(status, second?.nomad_job_id ?? "", "stderr"), "two\n")
  })

  /** The test's lines as the interface shows them. */
  const testLines = async ({ job_id: id }: Status): Promise<unknown> => {
    const response = await fetch(`http://127.0.0.1:${dev.ports.service}/json/job/${id}/logs`)
    return field(await response.json(), "logs", "test")
  }

  const entryPoint = (name: string, test: object = {}) => ({
    ...record(name, { Dockerfile: helloImage, hello }),
    test: { entry_point: true, ...test }
  })

  it(
    "Appendix B: hello-world with entry_point is SUCCEEDED and logs Hello World",
    { timeout: 3 * minutes },
    async () => {
      await dev.put("entry", entryPoint("entry"))
      const status = await dev.ended("entry")
      await published(status, "entry")
      assert.strictEqual(await dev.log(status, attempt(status, "test").nomad_job_id, "stdout"), "Hello World\n")
      const header = `=== Test Job 0 (${attempt(status, "test").nomad_job_id}) ===`
      assert.deepStrictEqual(await testLines(status), [header, "[main/stdout] Hello World", ""])
    }
  )

  it("Appendix B: hello-world with env WORLD=Claude logs Hello Claude", { timeout: 3 * minutes }, async () => {
    await dev.put("claude", entryPoint("claude", { env: { WORLD: "Claude" } }))
    const status = await dev.ended("claude")
    await published(status, "claude")
    const header = `=== Test Job 0 (${attempt(status, "test").nomad_job_id}) ===`
    assert.deepStrictEqual(await testLines(status), [header, "[main/stdout] Hello Claude", ""])
  })

  it.scopedLive(
    "Appendix B: webhook run: all deliveries signed, with custom headers, and one SUCCEEDED with duration, logs, metrics",
    () =>
      Effect.gen(function* () {
        const server = yield* receiver()
        const webhook = {
          webhook_url: server.url,
          webhook_secret: "of-the-receiver",
          webhook_headers: { "X-Custom-Header": "custom" }
        }
        yield* Effect.promise(() => dev.put("told", { ...entryPoint("told"), ...webhook }))
        const status = yield* Effect.promise(() => dev.ended("told"))
        yield* eventually(
          "the last event is told",
          Effect.sync(() => server.events().includes("job.completed"))
        )
        assert.deepStrictEqual(server.events(), [
          "build.started",
          "build.completed",
          "test.started",
          "test.completed",
          "publish.started",
          "publish.completed",
          "job.completed"
        ])
        for (const seen of server.seen) {
          assertSigned(seen, "of-the-receiver")
          assert.strictEqual(seen.headers["x-custom-header"], "custom")
        }
        const succeeded = server.seen.map(bodyOf).filter((body) => body.status === "SUCCEEDED")
        assert.lengthOf(succeeded, 1)
        const [last] = succeeded
        assert.strictEqual(last.job_id, status.job_id)
        assert.isAbove(last.duration, 0)
        assert.strictEqual(last.metrics.total_duration, last.duration)
        assert.include(last.logs.test, "[main/stdout] Hello World")
        assert.include(last.logs.build, "[main/stdout] Build completed successfully")
      }),
    3 * minutes
  )

  it("Appendix B: builds a Dockerfile in a subfolder with a context of its own", { timeout: 3 * minutes }, async () => {
    const files = { "myapp/Dockerfile": helloImage, "myapp/hello": hello, "README.md": "not in the context" }
    const test = { commands: ["hello", "test ! -e /README.md"] }
    const base = record("subfolder", files, ["myapp"])
    await dev.put("subfolder", { ...base, dockerfile_path: "myapp/Dockerfile", dockerfile_context: "myapp/", test })
    await published(await dev.ended("subfolder"), "subfolder")
  })

  it("says how a build failed", { timeout: 3 * minutes }, async () => {
    const Dockerfile = `${busybox}\nRUN echo about to fail; echo "no such package: left-pad" >&2; exit 7\n`
    await dev.put("broken", record("broken", { Dockerfile }))
    const status = await dev.ended("broken")
    assert.strictEqual(status.status, "FAILED")
    assert.strictEqual(status.failed_phase, "build")
    assert.strictEqual(status.reason, "BuildFailed")
    assert.strictEqual(status.exit_code, 7)
    assert.include((status.log_tail ?? []).join("\n"), "no such package: left-pad")
    const { nomad_job_id: id } = attempt(status, "build")
    const output = (await dev.log(status, id, "stdout")) + (await dev.log(status, id, "stderr"))
    assert.include(output, "about to fail")
    assert.deepStrictEqual(await dev.tags("e2e/broken"), {})
  })

  it("publishes nothing when one test fails and another passes", { timeout: 3 * minutes }, async () => {
    const test = { commands: ["echo fine", "echo checking; echo 'expected 4, got 5' >&2; exit 3"] }
    await dev.put("untested", { ...record("untested", { Dockerfile: helloImage, hello }), test })
    const status = await dev.ended("untested")
    assert.strictEqual(status.status, "FAILED")
    assert.strictEqual(status.failed_phase, "test")
    assert.strictEqual(status.reason, "TestFailed")
    assert.strictEqual(status.exit_code, 3)
    assert.deepStrictEqual(status.log_tail, ["[main/stdout] checking", "[main/stderr] expected 4, got 5"])
    const first = status.attempts.find(({ phase }) => phase === "test")
    assert.strictEqual(first?.outcome?.result, "succeeded")
    assert.strictEqual(await dev.log(status, first?.nomad_job_id ?? "", "stdout"), "fine\n")
    assert.isFalse(status.attempts.some(({ phase }) => phase === "publish"))
    assert.deepStrictEqual(await dev.tags("e2e/untested"), {})
    await noneLeft(status)
  })

  it("names each fault of garbage and builds the good record beside it", { timeout: 3 * minutes }, async () => {
    const good = record("good", { Dockerfile: helloImage, hello })
    await dev.put("garbage/text", "not json")
    await dev.put("garbage/type", { ...good, image_tags: 7, clear_cache: "yes" })
    await dev.put("garbage/key", { ...good, test_comands: ["true"] })
    await dev.put("good", good)
    await published(await dev.ended("good"), "good")
    const paths = async (name: string) => (await dev.ended(name)).errors?.map(({ path }) => path)
    assert.deepStrictEqual(await paths("garbage/text"), [""])
    assert.sameMembers([...((await paths("garbage/type")) ?? [])], ["image_tags", "clear_cache"])
    assert.deepStrictEqual(await paths("garbage/key"), ["test_comands"])
  })
})
