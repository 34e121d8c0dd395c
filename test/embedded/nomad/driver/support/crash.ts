/**
 * A program that starts a task and is killed without warning: `crash.ts <data folder> <allocation id> <image> <script>`.
 */
import { mkdir } from "node:fs/promises"
import { join } from "node:path"
import { Effect } from "effect"
import * as BuildahDriver from "../../../../../src/embedded/nomad/driver/BuildahDriver.ts"
import { TaskDriver } from "../../../../../src/embedded/nomad/TaskDriver.ts"

const [, , dataDir = "", allocationId = "", image = "", script = ""] = process.argv

const program = Effect.gen(function* () {
  const driver = yield* TaskDriver
  const folder = join(dataDir, "..", "crash")
  yield* Effect.promise(() => mkdir(folder, { recursive: true }))
  yield* driver.start({
    allocationId,
    jobId: "job",
    taskName: "main",
    driver: "docker",
    user: "",
    config: { image, entrypoint: ["sh", "-c", script] },
    env: {},
    folders: { alloc: folder, local: folder, secrets: folder },
    volumes: [],
    memoryMb: 1,
    cpu: 1,
    stdout: (chunk) => {
      if (Buffer.from(chunk).toString("utf8").includes("ready")) process.kill(process.pid, "SIGKILL")
    },
    stderr: () => {}
  })
  return yield* Effect.never
})

const hostImages = ["builder/of-this-machine:1"]
await Effect.runPromise(program.pipe(Effect.scoped, Effect.provide(BuildahDriver.layer({ dataDir, hostImages }))))
