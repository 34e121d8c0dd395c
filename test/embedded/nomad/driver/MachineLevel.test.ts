import { mkdtemp, readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer } from "effect"
import { probeMachine } from "../../../../src/embedded/nomad/driver/MachineLevel.ts"
import { machinePath } from "../../../../src/embedded/nomad/driver/missingTools.ts"
import { missing } from "./support/Bench.ts"
import { command } from "./support/commands.ts"

describe.skipIf(missing !== undefined)("probing the machine", () => {
  const scratch = Effect.acquireRelease(
    Effect.promise(() => mkdtemp(join(tmpdir(), "probe-"))),
    (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
  )

  it.scopedLive("finds a way that works and leaves the data folder empty", () =>
    Effect.gen(function* () {
      const folder = yield* scratch
      const level = yield* probeMachine(join(folder, "data"))
      assert.strictEqual(level.mode, process.getuid?.() === 0 ? "root" : "rootless")
      assert.strictEqual(level.isolation, "chroot")
      assert.deepStrictEqual(yield* Effect.promise(() => readdir(join(folder, "data"))), [])
    })
  )

  it.scopedLive("goes on to the next storage driver, and to fewer namespaces, where the first is refused", () =>
    Effect.gen(function* () {
      const folder = yield* scratch
      // Tools in front of the real ones: an unshare that is not permitted, and a buildah that knows only vfs.
      const script = `cd ${folder} && mkdir bin && cat > bin/unshare <<'END'
#!/bin/sh
echo 'unshare: unshare failed: Operation not permitted' >&2
exit 1
END
cat > bin/buildah <<'END'
#!/bin/sh
grep -q 'driver = "vfs"' "$CONTAINERS_STORAGE_CONF" && exit 0
echo 'Error: mounting overlay: invalid argument' >&2
exit 125
END
chmod +x bin/*`
      yield* Effect.promise(() => command(["sh", "-c", script]))
      const path = `${folder}/bin:${yield* machinePath}`
      const level = yield* probeMachine(join(folder, "data")).pipe(
        Effect.provide(Layer.setConfigProvider(ConfigProvider.fromMap(new Map([["PATH", path]]))))
      )
      assert.deepStrictEqual(level, {
        mode: "plain",
        storageDriver: "vfs",
        isolation: "chroot",
        refused: [
          `${process.getuid?.() === 0 ? "root" : "rootless"}: unshare: unshare failed: Operation not permitted`,
          "overlay: Error: mounting overlay: invalid argument",
          "fuse: Error: mounting overlay: invalid argument"
        ]
      })
    })
  )
})
