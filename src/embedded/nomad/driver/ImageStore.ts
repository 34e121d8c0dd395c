import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Schema, type Scope } from "effect"
import { DriverError } from "../TaskDriver.ts"
import type { Confinement } from "./Confinement.ts"
import { type DockerConfig, firstBlock } from "./DockerConfig.ts"
import { type ImageReference, imageReference, isLoopback } from "./imageReference.ts"
import { pullFailure } from "./pullFailure.ts"
import { runTool } from "./runTool.ts"
import { type StorageDriver, storageConf } from "./storageConf.ts"

export interface ImageStoreOptions {
  /** Of this store alone: layers, containers, logins while they are used. */
  readonly folder: string
  readonly storageDriver: StorageDriver
  readonly confinement: Confinement
  readonly path: string
  /** The login for pulls without one of their own, as docker's plugin has one. A file like docker's config.json. */
  readonly registryAuthFile?: string | undefined
  /** Registries, as `host[:port]`, to which TLS is not verified, besides those of the loopback network. */
  readonly insecureRegistries: ReadonlyArray<string>
  /** How many images that no task uses stay for the next. */
  readonly keptImages: number
}

/** What an image says about how to run it, in OCI's words. */
const ImageConfig = Schema.Struct({
  User: Schema.optionalWith(Schema.String, { default: () => "", nullable: true }),
  WorkingDir: Schema.optionalWith(Schema.String, { default: () => "", nullable: true }),
  Env: Schema.optionalWith(Schema.Array(Schema.String), { default: () => [], nullable: true }),
  Entrypoint: Schema.optionalWith(Schema.Array(Schema.String), { default: () => [], nullable: true }),
  Cmd: Schema.optionalWith(Schema.Array(Schema.String), { default: () => [], nullable: true })
})
export type ImageConfig = typeof ImageConfig.Type

const Inspection = Schema.parseJson(
  Schema.Struct({
    OCIv1: Schema.Struct({ config: Schema.optionalWith(ImageConfig, { default: () => ImageConfig.make({}) }) })
  })
)

/** Images and containers of test tasks, in a buildah store that nothing else uses. */
export interface ImageStore {
  /** Pulls the image if need be and makes a container of it, removed with the scope. */
  readonly container: (
    name: string,
    config: DockerConfig,
    folder: string
  ) => Effect.Effect<ImageConfig, DriverError, Scope.Scope>
  /** Removes containers that a crash left behind. */
  readonly removeContainers: (names: ReadonlyArray<string>) => Effect.Effect<void>
  /** What buildah needs in its environment to find this store. */
  readonly env: Readonly<Record<string, string>>
}

export const makeImageStore = Effect.fn("makeImageStore")(function* (options: ImageStoreOptions) {
  const conf = join(options.folder, "storage.conf")
  const noLogin = join(options.folder, "no-login.json")
  yield* Effect.promise(async () => {
    await mkdir(options.folder, { recursive: true, mode: 0o700 })
    await writeFile(conf, storageConf(options.storageDriver, options.folder, join(options.folder, "run")))
    await writeFile(noLogin, "{}")
  })
  const env = {
    PATH: options.path,
    HOME: options.folder,
    TMPDIR: options.folder,
    CONTAINERS_STORAGE_CONF: conf,
    ...options.confinement.env
  }
  // Choosing what to remove and taking an image into use must not overlap.
  const lock = yield* Effect.makeSemaphore(1)
  const uses = new Map<string, number>()
  const buildah = (...args: ReadonlyArray<string>) =>
    runTool({ command: [...options.confinement.engine, "buildah", ...args], env })

  const pull = Effect.fnUntraced(function* (config: DockerConfig, folder: string) {
    const reference = imageReference(config.image)
    const login = firstBlock(config.auth)
    const authFile = yield* Effect.promise(() => loginFile(folder, reference, login))
    const pulled = yield* buildah(
      "pull",
      "--quiet",
      `--policy=${reference.moves || config.force_pull === true ? "always" : "missing"}`,
      `--authfile=${authFile ?? options.registryAuthFile ?? noLogin}`,
      `--tls-verify=${!(isLoopback(reference.registry) || options.insecureRegistries.includes(reference.registry))}`,
      `docker://${reference.name}`
    ).pipe(
      Effect.timeoutFail({
        duration: pullTimeout,
        onTimeout: () => pullFailure(config.image, "context deadline exceeded", authFile !== undefined)
      })
    )
    if (pulled.exitCode !== 0) return yield* pullFailure(config.image, pulled.stderr, authFile !== undefined)
    return pulled.stdout.trim().split("\n").at(-1) ?? ""
  })

  /** Adding it anew puts it at the end: the map's order is that of last use. */
  const count = (id: string, change: number) => {
    const before = uses.get(id) ?? 0
    uses.delete(id)
    uses.set(id, before + change)
  }

  const from = (name: string, id: string) =>
    lock.withPermits(1)(
      Effect.tap(buildah("from", "--pull=false", "--name", name, id), (result) =>
        Effect.sync(() => result.exitCode === 0 && count(id, 1))
      )
    )

  /** Only the pull can be interrupted: half a container could be neither found nor removed. */
  const take = Effect.fnUntraced(function* (name: string, config: DockerConfig, folder: string) {
    const id = yield* Effect.interruptible(pull(config, folder))
    if ((yield* from(name, id)).exitCode === 0) return id
    // A crash left a container of that name, or the image was removed between its pull and its use.
    yield* removeContainers([name])
    const again = yield* Effect.interruptible(pull(config, folder))
    const made = yield* from(name, again)
    if (made.exitCode !== 0) return yield* containerFailure(name, made.stderr)
    return again
  })

  const release = (name: string, id: string) =>
    Effect.gen(function* () {
      yield* removeContainers([name])
      count(id, -1)
      const idle = [...uses].filter(([, users]) => users === 0).map(([image]) => image)
      for (const image of idle.slice(0, Math.max(0, idle.length - options.keptImages))) {
        // By force: an image of several names can't be removed by its id otherwise. No task uses it, so no container goes.
        const removed = yield* buildah("rmi", "--force", image)
        if (removed.exitCode === 0) uses.delete(image)
      }
    }).pipe(lock.withPermits(1))

  const removeContainers = (names: ReadonlyArray<string>) =>
    Effect.forEach(names, (name) => buildah("rm", name), { discard: true })

  const container = Effect.fn("ImageStore.container")(function* (name: string, config: DockerConfig, folder: string) {
    const id = yield* Effect.acquireRelease(take(name, config, folder), (image) => release(name, image))
    const inspected = yield* buildah("inspect", "--type", "image", id)
    const parsed = yield* Schema.decodeUnknown(Inspection)(inspected.stdout).pipe(
      Effect.mapError(() => containerFailure(name, inspected.stderr))
    )
    return parsed.OCIv1.config
  })

  for (const id of (yield* buildah("images", "--quiet", "--no-trunc")).stdout
    .split("\n")
    .filter((line) => line !== "")) {
    uses.set(id.replace(/^sha256:/, ""), 0)
  }
  const store: ImageStore = { container, removeContainers, env }
  return store
})

/** The default of Nomad's `image_pull_timeout`. */
const pullTimeout = "5 minutes"

/** Docker's words for a container that can't be made or started. */
export const containerFailure = (name: string, reason: string): DriverError =>
  new DriverError({
    message: `Failed to start container ${name}: API error (400): failed to create shim task: OCI runtime create failed: ${reason.trim()}`,
    recoverable: false
  })

/** Written where only the task's own folder is, since a login on a command line could be read by everybody. */
const loginFile = async (
  folder: string,
  reference: ImageReference,
  login: { readonly username?: string | undefined; readonly password?: string | undefined } | undefined
): Promise<string | undefined> => {
  if (login?.username === undefined || login.username === "") return undefined
  const file = join(folder, "login.json")
  const auth = Buffer.from(`${login.username}:${login.password ?? ""}`).toString("base64")
  await writeFile(file, JSON.stringify({ auths: { [reference.registry]: { auth } } }), { mode: 0o600 })
  return file
}
