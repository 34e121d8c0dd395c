import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { Duplex } from "node:stream"
import { Effect, Either, Option, type Scope } from "effect"
import { DriverError, type TaskContext, type TaskExit, type TaskHandle } from "../TaskDriver.ts"
import { confinementOf } from "./Confinement.ts"
import { commandProblem, containerCommand } from "./containerCommand.ts"
import { containerSpec } from "./containerSpec.ts"
import { containerUser } from "./containerUser.ts"
import type { DockerConfig } from "./DockerConfig.ts"
import { containerFailure, type ImageConfig, type ImageStore } from "./ImageStore.ts"
import type { MachineLevel } from "./MachineLevel.ts"
import { startTaskProcess, type TaskProcess } from "./TaskProcess.ts"
import { taskKey, type TaskSpace } from "./TaskSpace.ts"

/**
 * Runs a task in a container of its image: the image's file system from buildah, the container from crun.
 *
 * Not by `buildah run`: that adds lines of its own to stderr, turns a signal into exit code 1, and dies of SIGTERM
 * before the task can handle it. Under crun the command is process 1, as under docker, with docker's consequences:
 * SIGTERM does nothing to a shell without a trap, and everything ends with process 1.
 */
export const startContainerTask = Effect.fnUntraced(function* (
  context: TaskContext,
  config: DockerConfig,
  level: MachineLevel,
  space: TaskSpace,
  store: ImageStore
): Effect.fn.Return<TaskHandle, DriverError, Scope.Scope> {
  if (level.mode === "plain") {
    return yield* containerFailure(
      context.taskName,
      `this machine doesn't let this user make namespaces: ${level.refused.join("; ")}`
    )
  }
  const name = taskKey(context.allocationId, context.taskName)
  const image = yield* store.container(name, config, space.folder)
  const confinement = confinementOf(level.mode)
  const stderr = heldBack(context.stderr)
  const task = yield* startTaskProcess({
    allocationId: context.allocationId,
    taskName: context.taskName,
    command: [...confinement.container, "sh", "-c", launchScript, "sh", name, space.folder],
    env: { ...store.env, NOMAD_ALLOC_ID: context.allocationId, NOMAD_TASK_NAME: context.taskName },
    cwd: space.folder,
    ownsProcesses: confinement.ownsProcesses,
    stdout: context.stdout,
    stderr: stderr.write
  })
  const mounted = yield* Effect.promise(() => firstLine(task.control))
  if (!mounted.startsWith("/")) return yield* containerFailure(name, mounted)
  const spec = yield* describe(context, config, image, mounted, `/proc/${task.pid}/root${mounted}`, name)
  yield* Effect.promise(() => writeSpec(space, spec))
  task.control.write("go\n")
  const exit = yield* started(task, space)
  const said = yield* Effect.promise(() => readFile(join(space.folder, "crun.log"), "utf8").catch(() => ""))
  if (exit === "failed") return yield* containerFailure(name, said.trim() === "" ? stderr.held() : said)
  stderr.release(said)
  return { wait: task.wait, signal: task.signal }
})

/**
 * Mounts the container inside of the task's own mount namespace, so that the mount ends with the task, tells where, and
 * waits for crun's `config.json`, which can be written only now: it needs the image's passwd.
 *
 * An old crun refuses hosts that have cgroup v2 beside v1, even when told to use neither; covered, v2 is out of its sight.
 */
const launchScript = `
root=$(buildah mount "$1" 2>&1) || { printf 'buildah mount: %s\\n' "$(printf %s "$root" | tr '\\n' ' ')" >&3; exit 125; }
printf '%s\\n' "$root" | tail -n 1 >&3
read -r go <&3 || exit 125
if [ -d /sys/fs/cgroup/unified ]; then mount -t tmpfs -o ro,size=4k cover /sys/fs/cgroup/unified; fi
exec crun --root "$2/crun" --log "$2/crun.log" --cgroup-manager=disabled run --bundle "$2" --pid-file "$2/pid" "$1" 3>&-
`

const describe = Effect.fnUntraced(function* (
  context: TaskContext,
  config: DockerConfig,
  image: ImageConfig,
  rootfs: string,
  visibleRootfs: string,
  name: string
) {
  const found = yield* Effect.promise(() =>
    containerUser(visibleRootfs, context.user === "" ? image.User : context.user)
  )
  if (Either.isLeft(found)) {
    return yield* new DriverError({
      message: `Failed to start container ${name}: API error (500): ${found.left}`,
      recoverable: false
    })
  }
  const user = found.right
  const command = containerCommand(config, image)
  const cwd = config.work_dir ?? (image.WorkingDir === "" ? "/" : image.WorkingDir)
  const env: Readonly<Record<string, string>> = {
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    HOME: user.home,
    ...Object.fromEntries(image.Env.map(assignment)),
    ...context.env,
    NOMAD_ALLOC_ID: context.allocationId,
    NOMAD_TASK_NAME: context.taskName
  }
  if (command.length === 0) {
    return yield* new DriverError({
      message: `Failed to create container: API error (400): no command specified`,
      recoverable: false
    })
  }
  const problem = yield* Effect.promise(() => commandProblem(visibleRootfs, cwd, env["PATH"] ?? "", command))
  if (problem !== undefined) return yield* containerFailure(name, problem)
  return containerSpec({ context, config, rootfs, command, env, cwd, user })
})

/** Readable by nobody else: the environment may hold secrets. */
const writeSpec = (space: TaskSpace, spec: object): Promise<void> =>
  writeFile(join(space.folder, "config.json"), JSON.stringify(spec), { mode: 0o600 })

/** crun writes the pid file when the container stands and only the command is left to run. */
const started = Effect.fnUntraced(function* (task: TaskProcess, space: TaskSpace) {
  const stands = Effect.promise(() =>
    readFile(join(space.folder, "pid")).then(
      () => true,
      () => false
    )
  )
  while (true) {
    // The exit first: a container that has ended by now stood all the same if there is a pid.
    const exit: Option.Option<TaskExit> = yield* task.poll
    if (yield* stands) return "started" as const
    if (Option.isSome(exit)) return "failed" as const
    yield* Effect.sleep("5 millis")
  }
})

/**
 * Keeps stderr until it is known who wrote it: crun's complaints come through the same pipe as the task's output, but
 * only before the task runs, and are in crun's log as well.
 */
const heldBack = (write: (chunk: Uint8Array) => void) => {
  let chunks: Array<Uint8Array> | undefined = []
  const held = () => Buffer.concat(chunks ?? []).toString("utf8")
  return {
    write: (chunk: Uint8Array) => {
      if (chunks === undefined) write(chunk)
      else chunks.push(chunk)
    },
    held,
    release: (log: string) => {
      const all = Buffer.concat(chunks ?? [])
      const complaint = Buffer.from(log)
      chunks = undefined
      const rest =
        complaint.length > 0 && all.subarray(0, complaint.length).equals(complaint)
          ? all.subarray(complaint.length)
          : all
      if (rest.length > 0) write(rest)
    }
  }
}

/** Without its end; empty when the other side closed without one. */
const firstLine = (stream: Duplex): Promise<string> =>
  new Promise((resolve) => {
    let text = ""
    const finish = () => resolve(text.split("\n")[0] ?? "")
    stream.on("data", (chunk: Buffer) => {
      text += chunk.toString("utf8")
      if (text.includes("\n")) finish()
    })
    stream.once("close", finish)
  })

const assignment = (entry: string): readonly [string, string] => {
  const at = entry.indexOf("=")
  return at < 0 ? [entry, ""] : [entry.slice(0, at), entry.slice(at + 1)]
}
