import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import type { Status } from "../../src/domain/Status.ts"
import { Installation } from "./support/Installation.ts"
import { busybox, makeRepository } from "./support/repositories.ts"
import { missingPrograms, titled } from "./support/requirements.ts"

const hello = `#!/bin/sh\necho "Hello $WORLD"\n`
const helloImage = `${busybox}\nCOPY hello /usr/bin/hello\nENV WORLD=World\nENTRYPOINT ["/usr/bin/hello"]\n`

const minutes = 60_000

describe.skipIf(missingPrograms.length > 0)(titled("six repositories through jobforge dev"), () => {
  let dev: Installation

  beforeAll(async () => {
    dev = await Installation.start()
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
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    assert.match(
      await probe("/health"),
      new RegExp(`^200 {"status":"healthy","services":${engines},"leader":${leader},"timestamp":${time}}$`)
    )
    assert.match(await probe("/ready"), new RegExp(`^200 {"status":"ready","timestamp":${time}}$`))
  })

  it("publishes an image without tests from its build", { timeout: 3 * minutes }, async () => {
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
  })

  it("runs two commands side by side and publishes what they tested", { timeout: 3 * minutes }, async () => {
    const test = { commands: ["echo one; hello | grep -q World", "echo two >&2; test -x /usr/bin/hello"] }
    await dev.put("commands", { ...record("commands", { Dockerfile: helloImage, hello }), test })
    const status = await dev.ended("commands")
    await published(status, "commands")
    const [first, second] = status.attempts.filter(({ phase }) => phase === "test")
    assert.strictEqual(await dev.log(status, first?.nomad_job_id ?? "", "stdout"), "one\n")
    assert.strictEqual(await dev.log(status, second?.nomad_job_id ?? "", "stderr"), "two\n")
  })

  it("runs an entry point, with its own environment and with the record's", { timeout: 3 * minutes }, async () => {
    const base = record("entry", { Dockerfile: helloImage, hello })
    await dev.put("entry", { ...base, test: { entry_point: true } })
    const world = await dev.ended("entry")
    await published(world, "entry")
    assert.strictEqual(await dev.log(world, attempt(world, "test").nomad_job_id, "stdout"), "Hello World\n")
    await dev.put("claude", {
      ...base,
      image_name: "e2e/claude",
      test: { entry_point: true, env: { WORLD: "Claude" } }
    })
    const claude = await dev.ended("claude")
    await published(claude, "claude")
    assert.strictEqual(await dev.log(claude, attempt(claude, "test").nomad_job_id, "stdout"), "Hello Claude\n")
  })

  it("builds a Dockerfile in a subfolder with a context of its own", { timeout: 3 * minutes }, async () => {
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
