import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Data, Effect, type Scope } from "effect"
import type { DriverError } from "../TaskDriver.ts"
import { type Confinement, confinementOf, type ConfinementMode } from "./Confinement.ts"
import { machinePath, requireTools } from "./missingTools.ts"
import { runTool } from "./runTool.ts"
import { type StorageDriver, storageConf } from "./storageConf.ts"

/** What works on this machine, found by trying it. */
export interface MachineLevel {
  readonly mode: ConfinementMode
  readonly storageDriver: StorageDriver
  /** The only one that needs neither cgroups nor new mounts of `/proc`, so the only one that works everywhere. */
  readonly isolation: "chroot"
  /** Why each stronger way was passed over: one line each. */
  readonly refused: ReadonlyArray<string>
}

/** No storage driver works, not even vfs. */
export class NoStorageDriver extends Data.TaggedError("NoStorageDriver")<{
  readonly refused: ReadonlyArray<string>
}> {
  override get message(): string {
    return `buildah works with no storage driver here: ${this.refused.join("; ")}`
  }
}

/**
 * Finds the least privilege and the fastest storage that really work with the data folder's file system.
 *
 * Each step is tried, not deduced: whether namespaces and overlay mounts are allowed depends on the kernel, its
 * settings, the file system, and the container that this may run in. Fails when tools are missing.
 */
export const probeMachine = Effect.fn("probeMachine")(function* (
  dataDir: string
): Effect.fn.Return<MachineLevel, DriverError | NoStorageDriver> {
  yield* requireTools
  const refused: Array<string> = []
  const confinement = yield* findConfinement(refused)
  const storageDriver = yield* Effect.scoped(findStorageDriver(dataDir, confinement, refused))
  if (storageDriver === undefined) return yield* new NoStorageDriver({ refused })
  return { mode: confinement.mode, storageDriver, isolation: "chroot", refused }
})

const findConfinement = Effect.fnUntraced(function* (refused: Array<string>) {
  const path = yield* machinePath
  const wanted = confinementOf(process.getuid?.() === 0 ? "root" : "rootless")
  const tried = yield* runTool({ command: [...wanted.hostTask, "true"], env: { PATH: path } })
  if (tried.exitCode === 0) return wanted
  refused.push(`${wanted.mode}: ${lastLine(tried.stderr)}`)
  return confinementOf("plain")
})

const findStorageDriver = Effect.fnUntraced(function* (
  dataDir: string,
  confinement: Confinement,
  refused: Array<string>
): Effect.fn.Return<StorageDriver | undefined, never, Scope.Scope> {
  const path = yield* machinePath
  for (const driver of storageDrivers) {
    const folder = yield* scratchFolder(dataDir, confinement, path)
    const problem = yield* tryStorage(driver, folder, confinement, path)
    if (problem === undefined) return driver
    refused.push(`${driver}: ${problem}`)
  }
  return undefined
})

const storageDrivers: ReadonlyArray<StorageDriver> = ["overlay", "fuse", "vfs"]

const scratchFolder = (dataDir: string, confinement: Confinement, path: string) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      await mkdir(dataDir, { recursive: true })
      return mkdtemp(join(dataDir, "probe-"))
    }),
    (folder) =>
      Effect.zipRight(
        // Layers may belong to subordinate ids, which only the user namespace can remove.
        runTool({ command: [...confinement.engine, "rm", "-rf", folder], env: { PATH: path } }),
        // Without namespaces a storage driver's mounts outlive it: what they keep busy takes room and does no harm.
        Effect.tryPromise(() => rm(folder, { recursive: true, force: true })).pipe(
          Effect.catchAll((error) => Effect.logWarning("a scratch folder can't be removed", error)),
          Effect.annotateLogs({ folder })
        )
      )
  )

/** Makes, fills and commits an image: what a build does to a store. Undefined when it worked. */
const tryStorage = Effect.fnUntraced(function* (
  driver: StorageDriver,
  folder: string,
  confinement: Confinement,
  path: string
) {
  const conf = join(folder, "storage.conf")
  const dockerfile = join(folder, "Dockerfile")
  yield* Effect.promise(async () => {
    await writeFile(conf, storageConf(driver, join(folder, "store"), join(folder, "run")))
    await writeFile(dockerfile, "FROM scratch\nCOPY Dockerfile /first\nCOPY Dockerfile /first\n")
  })
  const tried = yield* runTool({
    command: [...confinement.hostTask, "buildah", "bud", "--layers", "-t", "localhost/probe", folder],
    env: {
      PATH: path,
      HOME: folder,
      TMPDIR: folder,
      BUILDAH_ISOLATION: "chroot",
      CONTAINERS_STORAGE_CONF: conf,
      ...confinement.env
    }
  })
  return tried.exitCode === 0 ? undefined : lastLine(tried.stderr)
})

const lastLine = (text: string): string => text.trimEnd().split("\n").at(-1) ?? ""
