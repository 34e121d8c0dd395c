import { join } from "node:path"
import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import { TaskDriver } from "../../../../src/embedded/nomad/TaskDriver.ts"
import { Bench, hostImage, missing, type RunningTask } from "./support/Bench.ts"
import { command } from "./support/commands.ts"

const ended = (exitCode: number) => ({ exitCode, signal: 0, oomKilled: false })

const until = (condition: () => boolean) =>
  Effect.repeat(Effect.sleep("10 millis"), { until: condition }).pipe(Effect.timeout("10 seconds"))

const says = (task: RunningTask, text: string) => until(() => task.stdout().includes(text))

describe.skipIf(missing !== undefined)(
  `stopping${missing === undefined ? "" : ` (no ${missing} here)`}`,
  { timeout: 60_000 },
  () => {
    layer(Bench.layer, { excludeTestServices: true, timeout: 60_000 })("a running task", (it) => {
      /** The same script in a container and as a command of a host image. */
      const kinds = ["container", "host"] as const
      const configOf = (kind: (typeof kinds)[number], address: string, script: string) =>
        kind === "host"
          ? { image: hostImage, command: "sh", args: ["-c", script] }
          : { image: `${address}/plain:1`, entrypoint: ["sh", "-c", script] }

      it.scoped.each([...kinds])("handles SIGTERM once, in its own time (%s)", (kind) =>
        Effect.gen(function* () {
          const bench = yield* Bench
          const script = `trap 'echo stopping; sleep 0.3; echo stopped; exit 143' TERM; echo ready; while :; do sleep 0.05; done`
          const task = yield* bench.start({ config: configOf(kind, bench.registry, script) })
          yield* says(task, "ready\n")
          yield* task.signal("SIGTERM")
          assert.deepStrictEqual(yield* task.wait, ended(143))
          assert.strictEqual(task.stdout(), "ready\nstopping\nstopped\n")
          yield* task.close
          assert.deepStrictEqual(yield* bench.leftovers(task.allocationId), [])
        })
      )

      it.scoped.each([...kinds])("that ignores SIGTERM is ended by SIGKILL with 137 (%s)", (kind) =>
        Effect.gen(function* () {
          const bench = yield* Bench
          const task = yield* bench.start({
            config: configOf(kind, bench.registry, "echo ready; while :; do sleep 1; done")
          })
          yield* says(task, "ready\n")
          yield* task.signal("SIGTERM")
          yield* Effect.sleep("300 millis")
          assert.isAbove((yield* bench.leftovers(task.allocationId)).length, 0)
          yield* task.signal("SIGKILL")
          assert.deepStrictEqual(yield* task.wait, ended(137))
          yield* task.signal("SIGTERM")
          yield* task.close
          assert.deepStrictEqual(yield* bench.leftovers(task.allocationId), [])
        })
      )

      it.scoped.each([...kinds])("takes children in sessions of their own along when it is killed (%s)", (kind) =>
        Effect.gen(function* () {
          const bench = yield* Bench
          const script = "setsid sh -c 'trap \"\" TERM; while :; do sleep 1; done' & echo ready; wait; sleep 100"
          const task = yield* bench.start({ config: configOf(kind, bench.registry, script) })
          yield* says(task, "ready\n")
          yield* task.signal("SIGKILL")
          assert.deepStrictEqual(yield* task.wait, ended(137))
          yield* task.close
          assert.deepStrictEqual(yield* bench.leftovers(task.allocationId), [])
        })
      )

      it.scoped.each([...kinds])("takes what it left in the background along when it ends by itself (%s)", (kind) =>
        Effect.gen(function* () {
          const bench = yield* Bench
          const script = "setsid sleep 100 & echo done"
          const task = yield* bench.start({ config: configOf(kind, bench.registry, script) })
          assert.deepStrictEqual(yield* task.wait, ended(0))
          yield* task.close
          assert.deepStrictEqual(yield* bench.leftovers(task.allocationId), [])
        })
      )

      it.scoped.each([...kinds])("leaves nothing behind when its scope closes under it (%s)", (kind) =>
        Effect.gen(function* () {
          const bench = yield* Bench
          const task = yield* bench.start({ config: configOf(kind, bench.registry, "echo ready; sleep 100") })
          yield* says(task, "ready\n")
          yield* task.close
          assert.deepStrictEqual(yield* bench.leftovers(task.allocationId), [])
        })
      )

      it.scoped("leaves nothing behind when its start is interrupted", () =>
        Effect.gen(function* () {
          const bench = yield* Bench
          yield* Effect.forEach([1, 40, 80, 120, 160, 200, 250, 300, 400], (pause) =>
            bench
              .start({ config: configOf("container", bench.registry, "sleep 100") })
              .pipe(Effect.scoped, Effect.timeoutOption(`${pause} millis`))
          )
          assert.deepStrictEqual(yield* bench.leftovers(), [])
        })
      )

      it.scoped.each([...kinds])(
        "is found by its allocation and ended by a sweep, and others are spared (%s)",
        (kind) =>
          Effect.gen(function* () {
            const bench = yield* Bench
            const driver = yield* TaskDriver
            const config = configOf(kind, bench.registry, "echo ready; setsid sleep 100 & sleep 100")
            const lost = yield* bench.start({ config })
            const other = yield* bench.start({ config })
            yield* says(lost, "ready\n")
            yield* says(other, "ready\n")
            yield* driver.sweep([lost.allocationId])
            yield* lost.wait
            assert.deepStrictEqual(yield* bench.leftovers(lost.allocationId), [])
            assert.isAbove((yield* bench.leftovers(other.allocationId)).length, 0)
          })
      )

      it.scoped.each([...kinds])("is gone once the driver's process was killed and another has swept (%s)", (kind) =>
        Effect.gen(function* () {
          const bench = yield* Bench
          const driver = yield* TaskDriver
          const allocationId = `crash-${kind}`
          const { image } = configOf(kind, bench.registry, "")
          const crash = new URL("support/crash.ts", import.meta.url).pathname
          const words = [join(bench.folder, "driver"), allocationId, image, "setsid sleep 100 & echo ready; sleep 100"]
          const failed = yield* Effect.promise(() =>
            command(["node", "--import", "tsx", crash, ...words]).catch((error: unknown) => String(error))
          )
          assert.include(failed, "exit null")
          yield* driver.sweep([allocationId])
          assert.deepStrictEqual(yield* bench.leftovers(allocationId), [])
        })
      )

      it.scoped("has its SIGINT as well", () =>
        Effect.gen(function* () {
          const bench = yield* Bench
          const script = "trap 'exit 7' INT; echo ready; while :; do sleep 0.05; done"
          const task = yield* bench.start({ config: configOf("container", bench.registry, script) })
          yield* says(task, "ready\n")
          yield* task.signal("SIGINT")
          assert.deepStrictEqual(yield* task.wait, ended(7))
        })
      )
    })
  }
)
