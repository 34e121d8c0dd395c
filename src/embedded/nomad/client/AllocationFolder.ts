import { chmodSync, type Dirent, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs"
import { chmod, mkdir, rename, rm, writeFile } from "node:fs/promises"
import { dirname, join, sep } from "node:path"
import type { TaskFolders } from "../TaskDriver.ts"
import { taskPaths } from "./taskEnvironment.ts"

/** The folders of one allocation, laid out as Nomad's client does: shared ones, and one for the task. */
export class AllocationFolder {
  readonly root: string
  private readonly task: string

  constructor(allocations: string, allocationId: string, task: string) {
    this.root = join(allocations, allocationId)
    this.task = join(this.root, task)
  }

  get logs(): string {
    return join(this.root, "alloc", "logs")
  }

  get forTask(): TaskFolders {
    return { alloc: join(this.root, "alloc"), local: join(this.task, "local"), secrets: join(this.task, "secrets") }
  }

  /** Whoever the task runs as may write in its folders; nobody else on the machine gets to them. */
  build(): void {
    mkdirSync(this.root, { recursive: true })
    const shared = ["alloc", "alloc/data", "alloc/logs", "alloc/tmp"].map((name) => join(this.root, name))
    const own = ["", "local", "secrets", "tmp"].map((name) => join(this.task, name))
    for (const folder of [...shared, ...own]) {
      // A trip through the thread pool for each of these takes longer than all of them.
      mkdirSync(folder, { recursive: true })
      // Past the umask, which mkdir's own mode is not.
      chmodSync(folder, 0o777)
    }
  }

  /** Writes a template's text where the task will look for it; `destination` is relative to the task's folder. */
  async write(destination: string, text: string, perms: string): Promise<void> {
    const path = this.locate(destination)
    await mkdir(dirname(path), { recursive: true })
    const draft = `${path}.rendering`
    await rm(draft, { force: true })
    // Never readable for others for a moment: the mode is right before there is content.
    await writeFile(draft, "", { mode: 0o600, flag: "wx" })
    await writeFile(draft, text)
    await chmod(draft, Number.parseInt(perms === "" ? "0644" : perms, 8))
    await rename(draft, path)
  }

  /** At once for whoever reads in it: a folder that goes file by file shows an empty log for a while. */
  async remove(): Promise<void> {
    const leaving = `${this.root}.removed`
    const moved = isRenamed(this.root, leaving) ? leaving : this.root
    if (hasFew(moved)) rmSync(moved, { recursive: true, force: true })
    else await rm(moved, { recursive: true, force: true })
  }

  private locate(destination: string): string {
    for (const [inside, outside] of [
      [taskPaths.alloc, join(this.root, "alloc")],
      [taskPaths.local, join(this.task, "local")],
      [taskPaths.secrets, join(this.task, "secrets")]
    ] as const) {
      if (destination.startsWith(`${inside}/`)) return join(outside, join(sep, destination.slice(inside.length)))
    }
    const path = join(this.task, destination)
    if (!path.startsWith(this.root + sep)) throw new Error(`${destination} escapes the allocation's folder`)
    return path
  }
}

const isRenamed = (from: string, to: string): boolean => {
  try {
    renameSync(from, to)
    return true
  } catch {
    return false
  }
}

/** Whether all below it is removed sooner than another thread could be told of each. */
const hasFew = (folder: string): boolean => {
  const folders = [folder]
  let seen = 0
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    const entries = entriesOf(next)
    // Whatever still goes on in it, the other way bears.
    if (entries === undefined) return false
    seen += entries.length
    if (seen > few) return false
    for (const entry of entries) if (entry.isDirectory()) folders.push(join(next, entry.name))
  }
  return true
}

const few = 64

const entriesOf = (folder: string): ReadonlyArray<Dirent> | undefined => {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch {
    return undefined
  }
}
