import { stat } from "node:fs/promises"
import { posix } from "node:path"
import type { DockerConfig } from "./DockerConfig.ts"
import type { ImageConfig } from "./ImageStore.ts"
import { inRootfs } from "./rootfs.ts"

/**
 * The words that docker would run.
 *
 * `entrypoint` replaces the image's ENTRYPOINT and drops its CMD; `command` and `args` replace CMD only, so that they
 * become arguments of an ENTRYPOINT.
 */
export const containerCommand = (config: DockerConfig, image: ImageConfig): ReadonlyArray<string> => {
  const replaced = config.entrypoint !== undefined && config.entrypoint.length > 0
  const entrypoint = replaced ? (config.entrypoint ?? []) : image.Entrypoint
  const command = [
    ...(config.command === undefined || config.command === "" ? [] : [config.command]),
    ...(config.args ?? [])
  ]
  return [...entrypoint, ...(command.length > 0 || replaced ? command : image.Cmd)]
}

/** Why the first word can't be run, in runc's words; undefined when it can, or when only trying will tell. */
export const commandProblem = async (
  rootfs: string,
  cwd: string,
  path: string,
  command: ReadonlyArray<string>
): Promise<string | undefined> => {
  const [program = ""] = command
  if (program.includes("/")) {
    const problem = await problemOf(rootfs, posix.resolve(cwd, program))
    return problem === undefined ? undefined : failed(program, `stat ${program}: ${problem}`, problem)
  }
  for (const folder of path.split(":")) {
    if ((await problemOf(rootfs, posix.resolve(cwd, folder, program))) === undefined) return undefined
  }
  return `runc create failed: unable to start container process: exec: ${JSON.stringify(program)}: executable file not found in $PATH: unknown`
}

const failed = (program: string, missing: string, problem: string): string =>
  `runc create failed: unable to start container process: exec: ${JSON.stringify(program)}: ${problem === "no such file or directory" ? missing : problem}: unknown`

const problemOf = async (rootfs: string, path: string): Promise<string | undefined> => {
  const file = await inRootfs(rootfs, path)
  if (file === undefined) return "no such file or directory"
  try {
    const found = await stat(file)
    if (found.isDirectory()) return "is a directory"
    return (found.mode & 0o111) === 0 ? "permission denied" : undefined
  } catch {
    // Behind a folder that only the container's user may search.
    return undefined
  }
}
