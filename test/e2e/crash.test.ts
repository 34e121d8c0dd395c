import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Installation } from "./support/Installation.ts"
import { busybox, makeRepository } from "./support/repositories.ts"
import { missingPrograms, titled } from "./support/requirements.ts"

/** Command lines of processes that name this folder, the test's own excepted. */
const processesIn = (folder: string): ReadonlyArray<string> =>
  readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid)
    .flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")
        return line.includes(folder) ? [line] : []
      } catch {
        return []
      }
    })

const mountsIn = (folder: string): ReadonlyArray<string> =>
  readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .filter((line) => line.includes(folder))

describe.skipIf(missingPrograms.length > 0)(titled("jobforge dev after a crash"), () => {
  let dev: Installation

  beforeAll(async () => {
    dev = await Installation.start({ environment: { RETRY_BACKOFF: "1s" } })
  }, 120_000)
  afterAll(() => dev?.stop(), 60_000)

  it(
    "publishes once what it was building when it was killed, and leaves nothing behind",
    { timeout: 240_000 },
    async () => {
      const Dockerfile = `${busybox}\nRUN echo first\nRUN sleep 8\nENTRYPOINT ["/bin/true"]\n`
      const repository = makeRepository(join(dev.folder, "repositories", "app"), { Dockerfile })
      await dev.put("app", {
        owner: "e2e",
        repo_url: repository,
        image_name: "e2e/app",
        image_tags: ["latest"],
        registry_url: dev.registry,
        test: { entry_point: true }
      })
      await dev.until("app", "building", ({ status }) => status === "BUILDING")
      await pause(3000)
      await dev.kill()
      await dev.boot()
      const status = await dev.ended("app")
      assert.strictEqual(status.status, "SUCCEEDED", status.error)
      assert.strictEqual(status.generation, 1)
      assert.lengthOf(
        status.attempts.filter(({ phase }) => phase === "publish"),
        1
      )
      const digest = status.digest ?? ""
      assert.deepStrictEqual(await dev.tags("e2e/app"), { [status.job_id ?? ""]: digest, latest: digest })
      assert.deepStrictEqual(await dev.tags(`temp/${status.job_id}`), {})

      const { folder } = dev
      await dev.stop()
      assert.deepStrictEqual(processesIn(folder), [])
      assert.deepStrictEqual(mountsIn(folder), [])
    }
  )
})
