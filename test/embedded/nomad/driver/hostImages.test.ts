import { copyFile, mkdir, readFile, rename, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import { Bench, hostImage, missing } from "./support/Bench.ts"
import { command } from "./support/commands.ts"

/** What a task must not see. */
const setToken = () => {
  process.env["DRIVER_TEST_TOKEN"] = "not for tasks"
}

const ended = (exitCode: number) => ({ exitCode, signal: 0, oomKilled: false })

const cache = "/home/build/.local/share/containers"

const script = `set -eu
mkdir -p "$TMPDIR/src"
cp "$NOMAD_TASK_DIR/busybox" "$TMPDIR/src/busybox"
printf '%s\\n' 'FROM scratch' 'COPY busybox /bin/busybox' 'RUN ["/bin/busybox", "--install", "-s", "/bin"]' \
  'RUN id -u > /who && mkdir -p /private && chown 1234:1234 /private && chmod 700 /private' > "$TMPDIR/src/Dockerfile"
buildah bud --layers -t "$IMAGE" "$TMPDIR/src"
buildah push --tls-verify=false --digestfile "$NOMAD_ALLOC_DIR/digest" "$IMAGE"
`

describe.skipIf(missing !== undefined)(
  `host images${missing === undefined ? "" : ` (no ${missing} here)`}`,
  { timeout: 60_000 },
  () => {
    layer(Bench.layer, { excludeTestServices: true, timeout: 60_000 })("a command of a host image", (it) => {
      const run = Effect.fnUntraced(function* (text: string, env: Readonly<Record<string, string>> = {}) {
        const bench = yield* Bench
        const config = { image: hostImage, entrypoint: ["sh", "-c", text], cap_drop: ["all"], cap_add: ["setuid"] }
        const task = yield* bench.start({ config, env, user: "build" })
        return { task, exit: yield* task.wait }
      })

      it.scoped("builds and pushes with the machine's buildah, the second time from its volume's cache", () =>
        Effect.gen(function* () {
          const bench = yield* Bench
          const source = join(bench.folder, "cache")
          yield* Effect.promise(() => mkdir(source, { recursive: true }))
          const build = Effect.fnUntraced(function* (name: string) {
            const image = `${bench.registry}/built/${name}:1`
            const task = yield* bench.start({
              config: {
                image: hostImage,
                command: "sh",
                args: ["-c", `while [ ! -e "$NOMAD_TASK_DIR/busybox" ]; do sleep 0.05; done; ${script}`],
                security_opt: ["seccomp=unconfined"],
                cap_drop: ["all"],
                cap_add: ["setuid", "setgid"]
              },
              user: "build",
              env: { IMAGE: image, STORAGE_DRIVER: "overlay", BUILDAH_ISOLATION: "chroot" },
              volumes: [{ source, destination: cache, readOnly: false }]
            })
            // Renamed when it is whole: the script takes the file as soon as it is there.
            const arriving = join(task.folders.local, "arriving")
            yield* Effect.promise(() => copyFile("/usr/bin/busybox", arriving))
            yield* Effect.promise(() => rename(arriving, join(task.folders.local, "busybox")))
            assert.deepStrictEqual(yield* task.wait, ended(0), task.stderr())
            const digest = yield* Effect.promise(() => readFile(join(task.folders.alloc, "digest"), "utf8"))
            const pushed = yield* Effect.promise(() =>
              command(["skopeo", "inspect", "--tls-verify=false", "--format", "{{.Digest}}", `docker://${image}`])
            )
            assert.strictEqual(pushed.trim(), digest.trim())
            yield* task.close
            assert.deepStrictEqual(yield* bench.leftovers(task.allocationId), [])
            return task.stdout()
          })
          assert.notInclude(yield* build("first"), "Using cache")
          const second = yield* build("second")
          assert.strictEqual(second.match(/Using cache/g)?.length, 3)
        })
      )

      it.scoped("finds its folders and volumes by the paths that its environment tells", () =>
        Effect.gen(function* () {
          const bench = yield* Bench
          const source = join(bench.folder, "volume")
          yield* Effect.promise(async () => {
            await mkdir(source, { recursive: true })
            await writeFile(join(source, "file"), "of the volume\n")
          })
          const text = `set -eu; cat "$FILE"; cat "$HOME/data/file"; echo kept > "$NOMAD_ALLOC_DIR/x"; echo "$OTHER"; touch "$NOMAD_SECRETS_DIR/s" "$NOMAD_TASK_DIR/l"`
          const task = yield* bench.start({
            config: { image: hostImage, entrypoint: ["sh", "-c", text] },
            env: { FILE: "/home/build/data/file", OTHER: "https://host/alloc/x" },
            volumes: [{ source, destination: "/home/build/data/", readOnly: false }]
          })
          assert.deepStrictEqual(yield* task.wait, ended(0), task.stderr())
          assert.strictEqual(task.stdout(), "of the volume\nof the volume\nhttps://host/alloc/x\n")
          assert.strictEqual(yield* Effect.promise(() => readFile(join(task.folders.alloc, "x"), "utf8")), "kept\n")
        })
      )

      it.scoped("gets the task's environment, PATH, a home of its own, and nothing of this process's", () =>
        Effect.gen(function* () {
          setToken()
          const { task } = yield* run("env; ls -A $HOME | wc -l", { MINE: "yes" })
          assert.notInclude(task.stdout(), "DRIVER_TEST_TOKEN")
          const names = task
            .stdout()
            .split("\n")
            .map((line) => line.split("=")[0])
          const expected = ["BUILDAH", "CONTAINERS_STORAGE_CONF", "HOME", "MINE", "PATH", "STORAGE_DRIVER", "TMPDIR"]
          assert.includeMembers(names, expected.slice(1))
          assert.isEmpty(names.filter((name) => /TOKEN|CONSUL|NODE_|VITEST|npm_/.test(name ?? "")))
          assert.match(task.stdout(), /\n0\n$/)
        })
      )

      it.scoped("can't gain privileges and is alone in its process namespace", () =>
        Effect.gen(function* () {
          const { task } = yield* run("grep NoNewPrivs /proc/self/status; grep CapBnd /proc/self/status; echo $$")
          if (process.getuid?.() !== 0) return
          // dac_override, fowner, setgid, setuid, setfcap
          assert.strictEqual(task.stdout(), "NoNewPrivs:\t1\nCapBnd:\t00000000800000ca\n1\n")
        })
      )

      it.scoped("passes its exit code on and keeps its streams apart", () =>
        Effect.gen(function* () {
          const { task, exit } = yield* run("printf out; printf err >&2; exit 3")
          assert.deepStrictEqual(exit, ended(3))
          assert.deepStrictEqual([task.stdout(), task.stderr()], ["out", "err"])
        })
      )

      it.scoped("is refused without a command, since there is no image to have one", () =>
        Effect.gen(function* () {
          const bench = yield* Bench
          const error = yield* Effect.flip(bench.start({ config: { image: hostImage } }))
          assert.include(error.message, "needs a command or an entry point")
        })
      )
    })
  }
)
