import { readdir, readFile } from "node:fs/promises"
import { Effect } from "effect"
import { signalProcess } from "./runTool.ts"

export interface ProcessEntry {
  readonly pid: number
  readonly parent: number
  readonly group: number
}

/** Every process of this machine that can be seen, from `/proc`. */
export const allProcesses: Effect.Effect<ReadonlyArray<ProcessEntry>> = Effect.promise(async () => {
  const entries = await Promise.all((await allPids()).map(readEntry))
  return entries.filter((entry) => entry !== undefined)
})

/**
 * Kills what still runs for an allocation, found by its NOMAD_ALLOC_ID in `/proc/<pid>/environ`.
 *
 * That is the one mark that a process can't shed by `setsid` or by losing its parent, and that survives this program.
 * It looks again until a look finds nothing, since a process may fork between the look and the kill.
 */
export const endProcessesOf = Effect.fnUntraced(function* (allocationIds: ReadonlySet<string>, taskName?: string) {
  for (let look = 0; look < mostLooks; look += 1) {
    const pids = yield* Effect.promise(() => markedProcesses(allocationIds, taskName))
    if (pids.length === 0) return
    for (const pid of pids) signalProcess(pid, "SIGKILL")
    yield* Effect.sleep("20 millis")
  }
  yield* Effect.logWarning("processes of a task could not be ended").pipe(
    Effect.annotateLogs({ allocations: [...allocationIds].join(",") })
  )
})

/** 100 looks of 20 ms: a process that is still there after 2 s hangs in the kernel, and waiting won't help. */
const mostLooks = 100

const allPids = async (): Promise<ReadonlyArray<number>> =>
  (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number)

const readEntry = async (pid: number): Promise<ProcessEntry | undefined> => {
  const stat = await readOrNothing(`/proc/${pid}/stat`)
  // The program's name is in parentheses and may contain any character, so fields are counted from its end.
  const [state, parent, group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  if (parent === undefined || group === undefined || state === "Z") return undefined
  return { pid, parent: Number(parent), group: Number(group) }
}

const markedProcesses = async (
  allocationIds: ReadonlySet<string>,
  taskName: string | undefined
): Promise<ReadonlyArray<number>> => {
  const found = await Promise.all(
    (await allPids()).map(async (pid) => {
      const environment = (await readOrNothing(`/proc/${pid}/environ`)).split("\0")
      const marked =
        pid !== process.pid &&
        environment.some((line) => line.startsWith(mark) && allocationIds.has(line.slice(mark.length))) &&
        (taskName === undefined || environment.includes(`NOMAD_TASK_NAME=${taskName}`))
      return marked ? pid : undefined
    })
  )
  return found.filter((pid) => pid !== undefined)
}

const mark = "NOMAD_ALLOC_ID="

/** Empty for a process that ended meanwhile, or that belongs to somebody else. */
const readOrNothing = async (path: string): Promise<string> => {
  try {
    return await readFile(path, "utf8")
  } catch {
    return ""
  }
}
