import { constants } from "node:fs"
import { access } from "node:fs/promises"
import { delimiter, join } from "node:path"
import { Config, Effect } from "effect"
import { DriverError } from "../TaskDriver.ts"

/** A program that the driver needs and that is not on the PATH. */
export interface MissingTool {
  readonly name: string
  /** What it is needed for, in words for an operator. */
  readonly purpose: string
  /** The Debian and Ubuntu package that has it. */
  readonly package: string
}

/** Programs that the driver needs and this machine lacks, for a command to name before it starts. */
export const missingTools = (): Effect.Effect<ReadonlyArray<MissingTool>> =>
  Effect.flatMap(machinePath, (path) =>
    Effect.filter(
      needed.filter((tool) => tool.rootless !== true || process.getuid?.() !== 0),
      (tool) => Effect.map(isOnPath(path, tool.name), (found) => !found),
      { concurrency: "unbounded" }
    )
  )

/** The command that installs what is missing. */
export const installCommand = (tools: ReadonlyArray<MissingTool>): string =>
  `apt-get install -y ${[...new Set(tools.map((tool) => tool.package))].join(" ")}`

/** Fails with every missing tool by name and the command that installs them. */
export const requireTools: Effect.Effect<void, DriverError> = Effect.flatMap(Effect.suspend(missingTools), (missing) =>
  missing.length === 0
    ? Effect.void
    : new DriverError({
        message: `${missing.map((tool) => `${tool.name} (${tool.purpose})`).join(", ")} not found on this machine; install with: ${installCommand(missing)}`,
        recoverable: false
      })
)

/** This process's PATH, which is all of its environment that tasks get to see. */
export const machinePath: Effect.Effect<string> = Config.nonEmptyString("PATH").pipe(
  Effect.orElseSucceed(() => "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
)

const needed: ReadonlyArray<MissingTool & { readonly rootless?: boolean }> = [
  { name: "buildah", purpose: "builds and unpacks images", package: "buildah" },
  { name: "crun", purpose: "runs containers", package: "crun" },
  { name: "skopeo", purpose: "copies images between registries", package: "skopeo" },
  { name: "git", purpose: "clones repositories", package: "git" },
  { name: "setpriv", purpose: "drops privileges", package: "util-linux" },
  { name: "unshare", purpose: "keeps a task's processes and mounts to itself", package: "util-linux" },
  { name: "newuidmap", purpose: "maps subordinate user ids", package: "uidmap", rootless: true }
]

const isOnPath = (path: string, name: string): Effect.Effect<boolean> =>
  Effect.exists(path.split(delimiter), (folder) =>
    Effect.promise(() =>
      access(join(folder, name), constants.X_OK).then(
        () => true,
        () => false
      )
    )
  )
