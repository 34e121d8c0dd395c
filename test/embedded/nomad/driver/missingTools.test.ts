import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer } from "effect"
import * as BuildahDriver from "../../../../src/embedded/nomad/driver/BuildahDriver.ts"
import { missingTools } from "../../../../src/embedded/nomad/driver/missingTools.ts"
import { TaskDriver } from "../../../../src/embedded/nomad/TaskDriver.ts"

const emptyPath = Layer.setConfigProvider(ConfigProvider.fromMap(new Map([["PATH", "/nonexistent"]])))

describe("a machine without the tools", () => {
  it.effect("is told each that is missing and what it is for", () =>
    Effect.gen(function* () {
      const names = (yield* missingTools()).map((tool) => tool.name)
      assert.includeMembers(names, ["buildah", "crun", "skopeo", "git", "setpriv", "unshare"])
    }).pipe(Effect.provide(emptyPath))
  )

  it.scoped("has a driver all the same, whose starts fail with the command that installs them", () =>
    Effect.gen(function* () {
      const dataDir = yield* Effect.acquireRelease(
        Effect.promise(() => mkdtemp(join(tmpdir(), "no-tools-"))),
        (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
      )
      const folders = { alloc: dataDir, local: dataDir, secrets: dataDir }
      const start = Effect.flatMap(TaskDriver, (driver) =>
        driver.start({
          allocationId: "id",
          jobId: "job",
          taskName: "main",
          driver: "docker",
          user: "",
          config: { image: "a" },
          env: {},
          folders,
          volumes: [],
          memoryMb: 1,
          cpu: 1,
          stdout: () => {},
          stderr: () => {}
        })
      )
      const error = yield* start.pipe(Effect.provide(BuildahDriver.layer({ dataDir, hostImages: [] })), Effect.flip)
      assert.match(
        error.message,
        /buildah \(builds and unpacks images\), crun .* install with: apt-get install -y buildah/
      )
    }).pipe(Effect.provide(emptyPath))
  )
})
