import { spawnSync } from "node:child_process"
import { existsSync } from "node:fs"
import { delimiter, join } from "node:path"
import { Effect } from "effect"
import { missingTools } from "../../src/embedded/nomad/driver/missingTools.ts"

interface Tool {
  readonly name: string
  readonly package: string
}

/** What the demo needs beyond what runs the phases. */
const besides: ReadonlyArray<Tool> = [
  { name: "docker-registry", package: "docker-registry" },
  { name: "busybox", package: "busybox-static" }
]

const onPath = (name: string): boolean =>
  (process.env["PATH"] ?? "").split(delimiter).some((folder) => existsSync(join(folder, name)))

/** Installs what is missing where that is allowed; otherwise says with which command to do it, and stops. */
export const provideTools = async (say: (line: string) => void): Promise<void> => {
  const driver = await Effect.runPromise(missingTools())
  const missing: ReadonlyArray<Tool> = [...driver, ...besides.filter(({ name }) => !onPath(name))]
  if (missing.length === 0) return
  const packages = [...new Set(missing.map((tool) => tool.package))]
  const command = `apt-get install -y --no-install-recommends ${packages.join(" ")}`
  if (process.getuid?.() !== 0 || !onPath("apt-get")) {
    throw new Error(
      `${missing.map(({ name }) => name).join(", ")} not found; install with:\n  sudo apt-get update && sudo ${command}`
    )
  }
  say(`installing ${packages.join(", ")}: ${command}`)
  const environment = { ...process.env, DEBIAN_FRONTEND: "noninteractive" }
  for (const [program = "", ...args] of ["apt-get update -q", command].map((line) => line.split(" "))) {
    const { status, stderr, stdout } = spawnSync(program, args, { env: environment, encoding: "utf8" })
    if (status !== 0) throw new Error(`${program} ${args.join(" ")} failed:\n${(stderr + stdout).slice(-2000)}`)
  }
}
