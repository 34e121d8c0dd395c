import { setTimeout as sleep } from "node:timers/promises"
import type { AllocationFiles, OpenFile } from "./AllocationFiles.ts"
import { HttpFault } from "./NomadRequest.ts"

/** A piece of a file. `Offset` is the position behind it in `File`. */
export interface FileFrame {
  readonly data: Uint8Array
  readonly file: string
  readonly offset: number
}

export interface FramesOptions {
  /** Bytes from the start, or from the end backwards. */
  readonly offset: number
  readonly origin: "start" | "end"
  /** Never ends when set, not even after the task did. */
  readonly follow: boolean
  readonly signal: AbortSignal
}

/** How often a followed file is looked at. */
const lookMs = 100

/** One file, in frames. `limit` bytes at most, 0 for all. */
export async function* fileFrames(
  files: AllocationFiles,
  path: string,
  limit: number,
  options: FramesOptions
): AsyncGenerator<FileFrame> {
  const info = files.stat(path, 400)
  if (info.IsDir) throw new HttpFault(400, `file ${JSON.stringify(path)} is a directory`)
  let offset = options.origin === "end" ? Math.max(0, info.Size - options.offset) : options.offset
  let left = limit > 0 ? limit : Number.POSITIVE_INFINITY
  const file = files.open(path)
  try {
    while (left > 0 && !options.signal.aborted) {
      const data = file.read(offset, left)
      if (data.length > 0) {
        offset += data.length
        left -= data.length
        yield { data, file: path, offset }
      } else if (options.follow) await pause(options.signal)
      else return
    }
  } finally {
    file.close()
  }
}

/**
 * A task's output across its rotated files, oldest first. Offsets count from the oldest file that is still kept; what
 * was rotated away is skipped without a mark.
 */
export async function* logFrames(
  files: AllocationFiles,
  name: string,
  options: FramesOptions
): AsyncGenerator<FileFrame> {
  const kept = logFiles(files, name)
  const last = kept.at(-1)
  if (last === undefined) throw new HttpFault(404, "log entry for task and log type not found")
  let position = startOf(kept, options)
  if (!options.follow && position.number === last.number && position.offset >= last.size) return
  for (;;) {
    const path = `alloc/logs/${name}.${position.number}`
    const end = yield* oneLogFile(files, name, path, position, options)
    if (options.signal.aborted || (!options.follow && position.number >= last.number)) return
    const next = logFiles(files, name).find((file) => file.number > position.number)
    if (next === undefined) {
      position = { number: position.number, offset: end }
      if (!options.follow) return
      await pause(options.signal)
    } else position = { number: next.number, offset: 0 }
  }
}

interface LogFile {
  readonly number: number
  readonly size: number
}

interface Position {
  readonly number: number
  readonly offset: number
}

const logFiles = (files: AllocationFiles, name: string): ReadonlyArray<LogFile> =>
  entriesOf(files)
    .flatMap((entry) => {
      const suffix = entry.Name.startsWith(`${name}.`) ? entry.Name.slice(name.length + 1) : ""
      return /^\d+$/.test(suffix) ? [{ number: Number(suffix), size: entry.Size }] : []
    })
    .toSorted((a, b) => a.number - b.number)

const entriesOf = (files: AllocationFiles) => {
  try {
    return files.list("alloc/logs")
  } catch (error) {
    throw new HttpFault(500, `failed to list entries: ${error instanceof Error ? error.message : String(error)}`)
  }
}

const hasNewer = (files: AllocationFiles, name: string, number: number): boolean => {
  try {
    return logFiles(files, name).some((file) => file.number > number)
  } catch {
    return false
  }
}

const startOf = (kept: ReadonlyArray<LogFile>, { offset, origin }: FramesOptions): Position => {
  const total = kept.reduce((sum, file) => sum + file.size, 0)
  let left = origin === "start" ? offset : Math.max(0, total - offset)
  for (const file of kept) {
    if (left < file.size) return { number: file.number, offset: left }
    left -= file.size
  }
  const last = kept.at(-1)
  return { number: last?.number ?? 0, offset: last?.size ?? 0 }
}

/** Reads a file to its end; a followed one until a newer one exists. Gives where it stopped. */
async function* oneLogFile(
  files: AllocationFiles,
  name: string,
  path: string,
  start: Position,
  options: FramesOptions
): AsyncGenerator<FileFrame, number> {
  let { offset } = start
  const file = openedIn(files, path)
  if (file === undefined) {
    if (!files.exists()) throw new HttpFault(404, "log entry for task and log type not found")
    // Rotated away between the listing and now.
    return offset
  }
  try {
    let outdated = false
    while (!options.signal.aborted) {
      const data = file.read(offset)
      if (data.length > 0) {
        offset += data.length
        yield { data, file: path, offset }
        continue
      }
      // What was written before the newer file began is read after it was seen.
      if (!options.follow || outdated) break
      outdated = hasNewer(files, name, start.number)
      if (!outdated) await pause(options.signal)
    }
  } finally {
    file.close()
  }
  return offset
}

const openedIn = (files: AllocationFiles, path: string): OpenFile | undefined => {
  try {
    return files.open(path)
  } catch {
    return undefined
  }
}

/** Ends early, without an error, when nobody wants more. */
const pause = (signal: AbortSignal): Promise<void> => sleep(lookMs, undefined, { signal }).catch(() => undefined)
