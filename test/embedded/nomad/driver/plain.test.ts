import { assert, describe, it } from "@effect/vitest"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import { confinementOf } from "../../../../src/embedded/nomad/driver/Confinement.ts"
import { startContainerTask } from "../../../../src/embedded/nomad/driver/containerTask.ts"
import { startTaskProcess } from "../../../../src/embedded/nomad/driver/TaskProcess.ts"
import { machinePath } from "../../../../src/embedded/nomad/driver/missingTools.ts"
import { missing } from "./support/Bench.ts"

/** Empty once the process has ended, even if nobody has taken its exit code yet. */
const environmentOf = (pid: string) =>
  Effect.promise(() => readFile(`/proc/${pid.trim()}/environ`, "utf8").catch(() => ""))

const confinement = confinementOf("plain")

describe.skipIf(missing !== undefined)("a machine that allows no namespaces", () => {
  const start = (script: string) =>
    Effect.gen(function* () {
      const output = { text: "" }
      const task = yield* startTaskProcess({
        allocationId: "plain-0001",
        taskName: "main",
        command: [...confinement.hostTask, "sh", "-c", script],
        env: { PATH: yield* machinePath, NOMAD_ALLOC_ID: "plain-0001", NOMAD_TASK_NAME: "main" },
        cwd: "/",
        ownsProcesses: confinement.ownsProcesses,
        stdout: (chunk) => (output.text += Buffer.from(chunk).toString("utf8")),
        stderr: () => {}
      })
      return { ...task, output }
    })

  it.scopedLive("still ends a task's children in sessions of their own", () =>
    Effect.gen(function* () {
      const task = yield* start("setsid sh -c 'echo $$; sleep 100' & sleep 100")
      yield* Effect.repeat(Effect.sleep("10 millis"), { until: () => task.output.text.includes("\n") })
      yield* task.signal("SIGKILL")
      assert.deepStrictEqual(yield* task.wait, { exitCode: 137, signal: 0, oomKilled: false })
      assert.strictEqual(yield* environmentOf(task.output.text), "")
    })
  )

  it.scopedLive("doesn't wait for what a task left behind, and ends it", () =>
    Effect.gen(function* () {
      const task = yield* start("setsid sh -c 'echo $$; sleep 100' & sleep 0.3; exit 4")
      const exit = yield* task.wait.pipe(Effect.timeout("5 seconds"))
      assert.strictEqual(exit.exitCode, 4)
      assert.strictEqual(yield* environmentOf(task.output.text), "")
    })
  )

  it.scopedLive("passes SIGTERM to the whole group", () =>
    Effect.gen(function* () {
      const task = yield* start("trap 'echo stopped; exit 9' TERM; echo ready; while :; do sleep 0.1; done")
      yield* Effect.repeat(Effect.sleep("10 millis"), { until: () => task.output.text.includes("ready") })
      yield* task.signal("SIGTERM")
      assert.strictEqual((yield* task.wait).exitCode, 9)
      assert.strictEqual(task.output.text, "ready\nstopped\n")
    })
  )

  it.scoped("refuses containers and says why", () =>
    Effect.gen(function* () {
      const folder = yield* Effect.acquireRelease(
        Effect.promise(() => mkdtemp(join(tmpdir(), "plain-"))),
        (made) => Effect.promise(() => rm(made, { recursive: true, force: true }))
      )
      const error = yield* Effect.flip(
        startContainerTask(
          {
            allocationId: "plain-0002",
            jobId: "job",
            taskName: "main",
            driver: "docker",
            user: "",
            config: {},
            env: {},
            folders: { alloc: folder, local: folder, secrets: folder },
            volumes: [],
            memoryMb: 1,
            cpu: 1,
            stdout: () => {},
            stderr: () => {}
          },
          { image: "a" },
          {
            mode: "plain",
            storageDriver: "vfs",
            isolation: "chroot",
            refused: ["root: unshare: Operation not permitted"]
          },
          { folder, home: folder, work: folder, temporary: folder },
          { container: () => Effect.die("not reached"), removeContainers: () => Effect.void, env: {} }
        )
      )
      assert.include(error.message, "doesn't let this user make namespaces: root: unshare: Operation not permitted")
    })
  )
})
