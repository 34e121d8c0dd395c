import { mkdir, symlink, writeFile } from "node:fs/promises"
import { dirname, join, posix } from "node:path"
import { Effect, type Scope } from "effect"
import { DriverError, type TaskContext, type TaskHandle } from "../TaskDriver.ts"
import type { DockerConfig } from "./DockerConfig.ts"
import { confinementOf } from "./Confinement.ts"
import { hostPaths, toHostPath } from "./hostPaths.ts"
import type { MachineLevel } from "./MachineLevel.ts"
import { type StorageDriver, storageConf } from "./storageConf.ts"
import { startTaskProcess } from "./TaskProcess.ts"
import type { TaskSpace } from "./TaskSpace.ts"

/**
 * Runs a host image's command on this machine, with the machine's own tools in place of the image's.
 *
 * There is no file system of its own around it: the task's folders and volumes are reached by their host paths, which
 * the environment tells. Arguments stay untouched, since they are static scripts that read the environment. The user
 * that the job names belongs to the image, so this machine's least privilege stands in for it.
 */
export const startHostTask = Effect.fnUntraced(function* (
  context: TaskContext,
  config: DockerConfig,
  level: MachineLevel,
  space: TaskSpace,
  path: string
): Effect.fn.Return<TaskHandle, DriverError, Scope.Scope> {
  const command = [
    ...(config.entrypoint ?? []),
    ...(config.command === undefined ? [] : [config.command]),
    ...(config.args ?? [])
  ]
  if (command.length === 0) {
    return yield* new DriverError({
      message: `config.command: a task of the host image ${config.image} needs a command or an entry point`,
      recoverable: false
    })
  }
  const confinement = confinementOf(level.mode)
  const paths = hostPaths(context)
  const store = imageStoreOf(context)
  const conf = join(space.folder, "storage.conf")
  const driver = storageDriverOf(context.env, level)
  yield* Effect.promise(async () => {
    await writeFile(conf, storageConf(driver, store ?? join(space.folder, "containers"), join(space.folder, "run")))
    await Promise.all(linksIntoHome(context, space.home).map(([from, to]) => link(from, to)))
  })
  const { STORAGE_DRIVER: _driver, STORAGE_OPTS: _options, ...asked } = context.env
  return yield* startTaskProcess({
    allocationId: context.allocationId,
    taskName: context.taskName,
    command: [...confinement.hostTask, ...command],
    env: {
      PATH: path,
      TMPDIR: space.temporary,
      ...Object.fromEntries(Object.entries(asked).map(([name, value]) => [name, toHostPath(paths, value)])),
      HOME: space.home,
      CONTAINERS_STORAGE_CONF: conf,
      STORAGE_DRIVER: driver === "fuse" ? "overlay" : driver,
      ...(driver === "fuse" ? { STORAGE_OPTS: fuseProgram } : {}),
      NOMAD_ALLOC_ID: context.allocationId,
      NOMAD_TASK_NAME: context.taskName,
      ...confinement.env
    },
    cwd: config.work_dir === undefined ? space.work : toHostPath(paths, config.work_dir),
    ownsProcesses: confinement.ownsProcesses,
    stdout: context.stdout,
    stderr: context.stderr
  })
})

/** The job's choice where this machine can do it, else what it can. vfs works wherever anything does. */
const storageDriverOf = (env: Readonly<Record<string, string>>, level: MachineLevel): StorageDriver =>
  env["STORAGE_DRIVER"] === "vfs" ? "vfs" : level.storageDriver

/** The volume that the builder image's buildah would keep its layers on: its default store's parent folder. */
const imageStoreOf = (context: TaskContext): string | undefined =>
  context.volumes.find((volume) => posix.normalize(volume.destination).replace(/\/$/, "").endsWith("/containers"))
    ?.source

/** Volumes below the image user's home are found below the task's own home as well. */
const linksIntoHome = (context: TaskContext, home: string): ReadonlyArray<readonly [from: string, to: string]> =>
  context.volumes.flatMap((volume) => {
    const below = /^\/(?:home\/[^/]+|root)\/(.+?)\/?$/.exec(posix.normalize(volume.destination))?.[1]
    return below === undefined ? [] : [[join(home, below), volume.source] as const]
  })

const link = async (from: string, to: string): Promise<void> => {
  await mkdir(dirname(from), { recursive: true })
  await symlink(to, from)
}

const fuseProgram = "overlay.mount_program=/usr/bin/fuse-overlayfs"
