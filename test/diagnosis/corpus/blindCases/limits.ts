import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Installation } from "../../../e2e/support/Installation.ts"

export interface Limits {
  /** Megabytes that the installation and its tasks, present and future, have together. */
  readonly memory: (megabytes: number) => void
  /** Megabytes of a file system for the layer cache. */
  readonly disk: (megabytes: number) => void
  readonly lift: () => void
}

const hierarchy = "/sys/fs/cgroup/memory"

/** Limits that the kernel keeps: a control group of version 1, and a tmpfs over the folder of the layer cache. Needs root. */
export const makeLimits = (installation: Installation): Limits => {
  const undo: Array<() => void> = []
  return {
    memory: (megabytes) => {
      const before = groupOf(installation.pid)
      const group = join(hierarchy, `jobforge-corpus-${installation.pid}`)
      mkdirSync(group, { recursive: true })
      writeFileSync(join(group, "memory.limit_in_bytes"), String(megabytes * 1024 * 1024))
      writeFileSync(join(group, "cgroup.procs"), String(installation.pid))
      undo.push(() => {
        for (const pid of readFileSync(join(group, "cgroup.procs"), "utf8").split("\n").filter(Boolean)) {
          writeFileSync(join(before, "cgroup.procs"), pid)
        }
        rmdirSync(group)
      })
    },
    disk: (megabytes) => {
      const folder = join(installation.folder, "data", "cache")
      if (!existsSync(folder)) mkdirSync(folder, { recursive: true })
      execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "cache", folder])
      undo.push(() => execFileSync("umount", ["--lazy", folder]))
    },
    lift: () => {
      for (const action of undo.splice(0).toReversed()) action()
    }
  }
}

const groupOf = (pid: number): string => {
  const line = readFileSync(`/proc/${pid}/cgroup`, "utf8")
    .split("\n")
    .find((entry) => entry.split(":")[1] === "memory")
  if (line === undefined) throw new Error("no memory control group of version 1")
  return join(hierarchy, line.split(":")[2] ?? "")
}
