import { mkdir, readdir } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Either, Layer } from "effect"
import { DriverError, type TaskContext, TaskDriver, type TaskHandle } from "../TaskDriver.ts"
import { confinementOf } from "./Confinement.ts"
import { startContainerTask } from "./containerTask.ts"
import { containerRefusals, decodeDockerConfig } from "./DockerConfig.ts"
import { startHostTask } from "./hostTask.ts"
import { makeImageStore } from "./ImageStore.ts"
import { type MachineLevel, probeMachine } from "./MachineLevel.ts"
import { machinePath, requireTools } from "./missingTools.ts"
import { endProcessesOf } from "./processesOf.ts"
import { makeTaskSpace, removeFolder, taskKey } from "./TaskSpace.ts"

export interface BuildahDriverOptions {
  /** A folder of this driver's own, made when missing: image store and the folders of running tasks. */
  readonly dataDir: string
  /** Images whose tasks run on this machine with its own tools, in place of a container: the builder's, mostly. */
  readonly hostImages: ReadonlyArray<string>
  /** What `probeMachine` found, when that was asked before. */
  readonly level?: MachineLevel
  /** The login for pulls whose job has none, as Nomad's docker plugin has one. A file like docker's config.json. */
  readonly registryAuthFile?: string
  /** Registries, as `host[:port]`, whose TLS isn't verified, besides those of the loopback network. */
  readonly insecureRegistries?: ReadonlyArray<string>
  /** How many images that no task uses stay on disk for the next task. Default: 4. */
  readonly keptImages?: number
}

/**
 * Nomad's docker driver without docker, for one machine: buildah and crun make the containers.
 *
 * It probes the machine at the first task, not when it is made, so that a server can start, and say what is missing,
 * on a machine that lacks the tools. CPU and memory limits are not enforced.
 */
export const layer = (options: BuildahDriverOptions): Layer.Layer<TaskDriver> =>
  Layer.effect(TaskDriver, makeDriver(options))

const makeDriver = Effect.fnUntraced(function* (options: BuildahDriverOptions) {
  const path = yield* machinePath
  const tasksFolder = join(options.dataDir, "tasks")

  const prepare = Effect.gen(function* () {
    yield* requireTools
    const level = options.level ?? (yield* probe(options))
    yield* Effect.logInfo("task driver ready").pipe(
      Effect.annotateLogs({ mode: level.mode, storageDriver: level.storageDriver, refused: level.refused.join("; ") })
    )
    const store = yield* makeImageStore({
      folder: join(options.dataDir, "images"),
      storageDriver: level.storageDriver,
      confinement: confinementOf(level.mode),
      path,
      registryAuthFile: options.registryAuthFile,
      insecureRegistries: options.insecureRegistries ?? [],
      keptImages: options.keptImages ?? 4
    })
    yield* Effect.promise(() => mkdir(tasksFolder, { recursive: true, mode: 0o700 }))
    return { level, store }
  })
  const machine = yield* onceSucceeded(prepare)

  const start = Effect.fn("TaskDriver.start")(function* (context: TaskContext) {
    const config = yield* Either.mapLeft(
      decodeDockerConfig(context.config),
      // Nomad's words for a config that only the client could judge.
      (refusals) => new DriverError({ message: `failed to parse config: ${refusals.join("; ")}`, recoverable: false })
    )
    const { level, store } = yield* machine
    const key = taskKey(context.allocationId, context.taskName)
    const space = yield* makeTaskSpace(tasksFolder, key, confinementOf(level.mode), path)
    const handle: TaskHandle = options.hostImages.includes(config.image)
      ? yield* startHostTask(context, config, level, space, path)
      : yield* startContainerTask(context, config, level, space, store)
    return handle
  })

  const sweep = Effect.fn("TaskDriver.sweep")(function* (allocationIds: ReadonlyArray<string>) {
    yield* endProcessesOf(new Set(allocationIds))
    const keys = yield* Effect.promise(() => leftovers(tasksFolder, allocationIds))
    if (keys.length === 0) return
    // Without the tools there was nothing to leave behind.
    const { level, store } = yield* machine
    yield* store.removeContainers(keys)
    yield* Effect.forEach(keys, (key) => removeFolder(join(tasksFolder, key), confinementOf(level.mode), path))
  })

  return TaskDriver.of({
    validate: (driver, config) => validate(options, driver, config),
    start,
    sweep: (allocationIds) =>
      Effect.catchAll(sweep(allocationIds), (error) => Effect.logWarning("leftovers of tasks stay", error.message))
  })
})

const probe = (options: BuildahDriverOptions) =>
  Effect.catchTag(probeMachine(options.dataDir), "NoStorageDriver", (error) =>
    Effect.fail(new DriverError({ message: error.message, recoverable: false }))
  )

/** Runs an effect for the first that asks and keeps its success; a failure is tried again by the next. */
const onceSucceeded = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<Effect.Effect<A, E>> =>
  Effect.map(Effect.makeSemaphore(1), (lock) => {
    let kept: { readonly value: A } | undefined
    const first = Effect.tap(effect, (value) => {
      kept = { value }
    })
    return lock.withPermits(1)(Effect.suspend(() => (kept === undefined ? first : Effect.succeed(kept.value))))
  })

const validate = (
  options: BuildahDriverOptions,
  driver: string,
  config: Readonly<Record<string, unknown>>
): ReadonlyArray<string> => {
  if (driver !== "docker") return [`driver "${driver}" is not implemented by the embedded Nomad: only "docker" is`]
  return Either.match(decodeDockerConfig(config), {
    onLeft: (refusals) => refusals,
    // What a host image asks of docker (devices, capabilities) is there to make buildah work, which is this driver's care.
    onRight: (decoded) => (options.hostImages.includes(decoded.image) ? [] : containerRefusals(decoded))
  })
}

/** Folders of tasks that an earlier process didn't get to remove: their names begin with the allocation's id. */
const leftovers = async (tasksFolder: string, allocationIds: ReadonlyArray<string>): Promise<ReadonlyArray<string>> => {
  const names = await readdir(tasksFolder).catch(() => [])
  return names.filter((name) => allocationIds.some((id) => name.startsWith(`${id}-`)))
}
