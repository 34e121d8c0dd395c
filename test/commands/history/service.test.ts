import { FileSystem } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger } from "effect"
import { failingTest } from "../../../scripts/chaos/modelDriver.ts"
import type { JobInput } from "../../../src/api/Requests.ts"
import { JobForge } from "../../../src/client/JobForge.ts"
import { submitJob } from "../../../src/commands/submitJob.ts"
import { httpDesk } from "../../server/httpDesk.ts"
import { namesIn, recorded, scratch, system, textOf } from "../support/scratch.ts"
import { setStage } from "../../zoo/support/Stage.ts"

/** What `submit-job … --history --watch` leaves of a job that a running service builds, and how the command ended. */
const played = Effect.fnUntraced(function* (test: JobInput["test"]) {
  const stage = yield* setStage
  yield* stage.serve()
  const { url } = yield* httpDesk({ consul: stage.consul, nomad: stage.nomad })
  const deployDir = yield* scratch
  const job = {
    owner: "zoo",
    repo_url: "https://git.example.com/zoo/app.git",
    image_name: "zoo/app",
    image_tags: ["latest"],
    registry_url: "registry.example.com:5000",
    deploy_dir: deployDir,
    test
  }
  const { io, result } = yield* recorded(
    Effect.exit(
      submitJob(JSON.stringify(job), {
        url,
        watch: true,
        history: true,
        version: false,
        imageTags: "extra",
        output: "json"
      })
    )
  )
  const [id = ""] = yield* namesIn(`${deployDir}/builds`)
  return { deployDir, folder: `${deployDir}/builds/${id}`, id, io, result, url }
})

const quiet = Logger.remove(Logger.defaultLogger)

describe("the local history of a service's job", () => {
  it.scopedLive("has exactly its files when it succeeded", () =>
    Effect.gen(function* () {
      const { deployDir, folder, id, io, result, url } = yield* played({ entry_point: true })
      assert.strictEqual(result._tag, "Success", io.err())
      assert.include(io.err(), `History recorded to: ${folder}\n`)
      const fs = yield* FileSystem.FileSystem
      const logs = yield* Effect.promise(() => new JobForge(url).getLogs(id))
      const phases = (["build", "test", "publish"] as const).filter((phase) => logs.logs[phase].length > 0)
      assert.isNotEmpty(phases)
      assert.sameMembers(
        [...(yield* namesIn(folder))],
        ["metadata.yaml", "status.md", ...phases.map((phase) => `${phase}.log`)]
      )
      for (const phase of phases)
        assert.strictEqual(yield* textOf(`${folder}/${phase}.log`), logs.logs[phase].join("\n"))
      assert.deepStrictEqual(yield* namesIn(deployDir), ["builds", "history.md"])
      const status = yield* textOf(`${folder}/status.md`)
      assert.match(
        status,
        /\n✅ Status: SUCCEEDED\n.*\n## Phases\n- Build: ✅ SUCCESS \(\d+s\)\n- Test: ✅ SUCCESS \(\d+s\)\n- Publish: ✅ SUCCESS \(\d+s\)\n/s
      )
      assert.include(status, `- Tags: ${id}, latest, extra\n`)
      assert.match(
        yield* textOf(`${deployDir}/history.md`),
        /^# Build History\n\n## [^\n]+ UTC\)\n[^#]*✅ SUCCEEDED[^#]*$/
      )
      assert.isTrue(yield* fs.exists(`${folder}/metadata.yaml`))
    }).pipe(Effect.provide([system, quiet]))
  )

  it.scopedLive("tells where it failed", () =>
    Effect.gen(function* () {
      const { deployDir, folder, io, result } = yield* played({ commands: [failingTest] })
      assert.strictEqual(result._tag, "Failure", io.err())
      const metadata = yield* textOf(`${folder}/metadata.yaml`)
      assert.match(metadata, /\nfailed_phase: test\n/)
      assert.match(metadata, /\nphases:\n {4}build:\n {8}status: SUCCEEDED\n.* {4}test:\n {8}status: FAILED\n/s)
      assert.notMatch(metadata, /\n {4}publish:/)
      assert.match(yield* textOf(`${folder}/status.md`), /\n- Test: ❌ FAILED \(\d+s\)\n.*\n## Error\n```\n.+\n```\n$/s)
      assert.match(yield* textOf(`${deployDir}/history.md`), /❌ FAILED .*\n\*\*Error\*\*: \S/s)
    }).pipe(Effect.provide([system, quiet]))
  )
})
