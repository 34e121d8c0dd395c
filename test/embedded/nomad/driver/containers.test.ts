import { mkdir, readFile, writeFile } from "node:fs/promises"
import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import { Bench, missing } from "./support/Bench.ts"

/** What a task must not see. */
const setToken = () => {
  process.env["DRIVER_TEST_TOKEN"] = "not for tasks"
}

const ended = (exitCode: number) => ({ exitCode, signal: 0, oomKilled: false })

describe.skipIf(missing !== undefined)(
  `containers${missing === undefined ? "" : ` (no ${missing} here)`}`,
  { timeout: 60_000 },
  () => {
    layer(Bench.layer, { excludeTestServices: true, timeout: 60_000 })("a task in a container", (it) => {
      it.scoped("runs the image's own command with the image's environment", () =>
        Effect.gen(function* () {
          const bench = yield* Bench
          const task = yield* bench.start({ config: { image: `${bench.registry}/plain:1`, network_mode: "host" } })
          assert.deepStrictEqual(yield* task.wait, ended(0))
          assert.strictEqual(task.stdout(), "the image speaks\n")
          assert.strictEqual(task.stderr(), "")
          yield* task.close
          assert.deepStrictEqual(yield* bench.leftovers(task.allocationId), [])
        })
      )

      it.scoped("keeps the image's user, working directory and environment, and the task's wins over it", () =>
        Effect.gen(function* () {
          const bench = yield* Bench
          const config = { image: `${bench.registry}/user:1` }
          const own = yield* bench.start({ config })
          yield* own.wait
          assert.strictEqual(
            own.stdout(),
            "uid=1234(app) gid=1234(app) groups=44(video),1234(app)\n/srv/app\n/home/app hello\n"
          )
          const task = yield* bench.start({ config, env: { GREETING: "good evening" }, user: "root" })
          yield* task.wait
          assert.strictEqual(
            task.stdout(),
            "uid=0(root) gid=0(root) groups=0(root),44(video)\n/srv/app\n/root good evening\n"
          )
        })
      )

      it.scoped("gives command and args to the image's entry point as its arguments", () =>
        Effect.gen(function* () {
          const bench = yield* Bench
          const image = `${bench.registry}/entry:1`
          const plain = yield* bench.start({ config: { image }, env: { WORLD: "Claude" } })
          yield* plain.wait
          assert.strictEqual(plain.stdout(), "Hello Claude from /srv/app with default\n")
          const task = yield* bench.start({ config: { image, command: "sh", args: ["-c", "exit 3"] } })
          assert.deepStrictEqual(yield* task.wait, ended(0))
          assert.strictEqual(task.stdout(), "Hello World from /srv/app with sh -c exit 3\n")
        })
      )

      it.scoped("replaces entry point and command by the job's own entry point", () =>
        Effect.gen(function* () {
          const bench = yield* Bench
          const image = `${bench.registry}/entry:1`
          const entrypoint = ["sh", "-c", "echo $0 $*; exit 3", "zero"]
          const task = yield* bench.start({ config: { image, entrypoint, args: ["one two"] } })
          assert.deepStrictEqual(yield* task.wait, ended(3))
          assert.strictEqual(task.stdout(), "zero one two\n")
          assert.strictEqual(task.stderr(), "")
        })
      )

      it.scoped("passes on every exit code, with nothing added to stderr", () =>
        Effect.gen(function* () {
          const bench = yield* Bench
          const codes = [0, 1, 125, 127, 137, 255]
          yield* Effect.forEach(codes, (code) =>
            Effect.gen(function* () {
              const entrypoint = ["sh", "-c", `printf 'almost there' >&2; exit ${code}`]
              const task = yield* bench.start({ config: { image: `${bench.registry}/plain:1`, entrypoint } })
              assert.deepStrictEqual(yield* task.wait, ended(code))
              assert.strictEqual(task.stderr(), "almost there")
              assert.strictEqual(task.stdout(), "")
            })
          )
        })
      )

      it.scoped("hands over 5,000 lines on each stream whole, apart and in order", () =>
        Effect.gen(function* () {
          const bench = yield* Bench
          const script = "i=0; while [ $i -lt 5000 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done; printf end"
          const task = yield* bench.start({
            config: { image: `${bench.registry}/plain:1`, entrypoint: ["sh", "-c", script] }
          })
          yield* task.wait
          const lines = (word: string) => Array.from({ length: 5000 }, (_, line) => `${word} ${line}\n`).join("")
          assert.strictEqual(task.stdout(), `${lines("out")}end`)
          assert.strictEqual(task.stderr(), lines("err"))
        })
      )

      it.scoped("holds no capability and can gain none when the job drops all", () =>
        Effect.gen(function* () {
          const bench = yield* Bench
          const entrypoint = ["sh", "-c", "grep -E 'Cap|NoNewPrivs' /proc/self/status"]
          const image = `${bench.registry}/plain:1`
          const least = { image, entrypoint, cap_drop: ["all"], security_opt: ["no-new-privileges"] }
          const task = yield* bench.start({ config: least })
          yield* task.wait
          const none = "0000000000000000"
          assert.strictEqual(
            task.stdout(),
            `CapInh:\t${none}\nCapPrm:\t${none}\nCapEff:\t${none}\nCapBnd:\t${none}\nCapAmb:\t${none}\nNoNewPrivs:\t1\n`
          )
          const docker = yield* bench.start({ config: { image, entrypoint } })
          yield* docker.wait
          // Docker's default set, less NET_RAW: what Nomad's docker driver allows by default.
          assert.include(docker.stdout(), "CapBnd:\t00000000a80405fb\nCapAmb:\t0000000000000000\nNoNewPrivs:\t0\n")
        })
      )

      it.scoped("sees /alloc, /local, /secrets and its volumes, and none of this process's environment", () =>
        Effect.gen(function* () {
          const bench = yield* Bench
          setToken()
          const script = `env | grep -c TOKEN; echo result > $NOMAD_ALLOC_DIR/result; cat /data/file; echo no > /data/file; ls -d $NOMAD_TASK_DIR /secrets`
          const source = `${bench.folder}/volume`
          yield* Effect.promise(async () => {
            await mkdir(source, { recursive: true })
            await writeFile(`${source}/file`, "of the volume\n")
          })
          const task = yield* bench.start({
            config: { image: `${bench.registry}/plain:1`, entrypoint: ["sh", "-c", script] },
            volumes: [{ source, destination: "/data", readOnly: true }]
          })
          yield* task.wait
          assert.strictEqual(task.stdout(), "0\nof the volume\n/local\n/secrets\n")
          assert.match(task.stderr(), /can't create \/data\/file: Read-only file system/)
          const result = yield* Effect.promise(() => readFile(`${task.folders.alloc}/result`, "utf8"))
          assert.strictEqual(result, "result\n")
        })
      )

      it.scoped("has temporary mounts, a working directory that the image lacks and a read-only root where asked", () =>
        Effect.gen(function* () {
          const bench = yield* Bench
          const script = "pwd; echo hi > /tmp/a && cat /tmp/a; stat -c %a /tmp; echo no > /b"
          const task = yield* bench.start({
            config: {
              image: `${bench.registry}/plain:1`,
              entrypoint: ["sh", "-c", script],
              readonly_rootfs: true,
              work_dir: "/bin",
              mounts: [{ type: "tmpfs", target: "/tmp", tmpfs_options: [{ size: 1_000_000, mode: 1023 }] }]
            }
          })
          yield* task.wait
          assert.strictEqual(task.stdout(), "/bin\nhi\n1777\n")
          assert.match(task.stderr(), /Read-only file system/)
          const made = yield* bench.start({
            config: { image: `${bench.registry}/plain:1`, entrypoint: ["pwd"], work_dir: "/not/there/yet" }
          })
          assert.deepStrictEqual(yield* made.wait, ended(0))
          assert.strictEqual(made.stdout(), "/not/there/yet\n")
        })
      )

      it.scoped("runs several at once, each by itself", () =>
        Effect.gen(function* () {
          const bench = yield* Bench
          const outputs = yield* Effect.forEach(
            [1, 2, 3, 4],
            (number) =>
              Effect.gen(function* () {
                const entrypoint = ["sh", "-c", `echo ${number} > /mark; sleep 0.3; cat /mark; echo $$`]
                const task = yield* bench.start({ config: { image: `${bench.registry}/plain:1`, entrypoint } })
                yield* task.wait
                return task.stdout()
              }),
            { concurrency: "unbounded" }
          )
          assert.deepStrictEqual(outputs, ["1\n1\n", "2\n1\n", "3\n1\n", "4\n1\n"])
        })
      )
    })
  }
)
