import { Data, Schema } from "effect"
import {
  closeSync,
  createWriteStream,
  fdatasync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync
} from "node:fs"
import { join } from "node:path"
import { applyCommand } from "./applyCommand.ts"
import { ConsulCommand } from "./ConsulCommand.ts"
import { type ConsulState, emptyState } from "./ConsulState.ts"
import { writeAll } from "../writeAll.ts"
import { snapshotLines, SnapshotReader } from "./snapshot.ts"

/** What is stored cannot be read, or is in use. */
export class StoredStateError extends Data.TaggedError("StoredStateError")<{
  readonly path: string
  readonly why: string
}> {
  override get message(): string {
    return `cannot use the stored state ${this.path}: ${this.why}`
  }
}

/**
 * The state on disk: a snapshot and the commands that were applied since.
 *
 * A command is handed to the operating system before it is answered, so the death of the process loses nothing that
 * was answered. It is forced to the disk at most a second later: a power cut can lose that second.
 */
export class Journal {
  private readonly folder: string
  private generation: number
  private file: number
  private size: number
  private snapshotSize: number
  private dirty = false
  private readonly syncing: NodeJS.Timeout
  private snapshotting: Promise<void> | undefined

  private constructor(folder: string, generation: number, snapshotSize: number) {
    this.folder = folder
    this.generation = generation
    this.snapshotSize = snapshotSize
    this.file = openSync(this.path("journal", generation), "a", 0o600)
    this.size = statSync(this.path("journal", generation)).size
    this.syncing = setInterval(() => this.sync(), 1000)
    this.syncing.unref()
  }

  /** Throws StoredStateError. A last line that was cut off, which nobody was answered, is dropped. */
  static open(folder: string): { readonly state: ConsulState; readonly journal: Journal } {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const files = readdirSync(folder).flatMap((name) => {
      const found = /^(snapshot|journal)-(\d+)\.jsonl$/.exec(name)
      return found === null ? [] : [{ name, kind: found[1], generation: Number(found[2]) }]
    })
    const snapshots = files.filter((file) => file.kind === "snapshot").map((file) => file.generation)
    const start = Math.max(0, ...snapshots)
    const journals = files
      .filter((file) => file.kind === "journal" && file.generation >= start)
      .toSorted((a, b) => a.generation - b.generation)
    const snapshot = join(folder, `snapshot-${start}.jsonl`)
    let state = snapshots.length === 0 ? emptyState : readSnapshot(snapshot)
    for (const file of journals) state = replay(state, join(folder, file.name), file === journals.at(-1))
    for (const file of files) if (file.generation < start) rmSync(join(folder, file.name))
    const size = snapshots.length === 0 ? 0 : statSync(snapshot).size
    return { state, journal: new Journal(folder, journals.at(-1)?.generation ?? start, size) }
  }

  /** Throws what the file system throws, and has then written nothing. */
  append(command: ConsulCommand, now: number): void {
    const line = Buffer.from(`${JSON.stringify({ at: now, command })}\n`)
    try {
      writeAll(this.file, line)
    } catch (error) {
      ftruncateSync(this.file, this.size)
      throw error
    }
    this.size += line.length
    this.dirty = true
  }

  /** Begins a new journal from this state on when the present one has outgrown its snapshot. */
  compactIfLarge(state: ConsulState, largerThan = 16 * 1024 * 1024): void {
    if (this.snapshotting !== undefined || this.size <= Math.max(largerThan, 2 * this.snapshotSize)) return
    closeSync(this.file)
    this.generation += 1
    this.file = openSync(this.path("journal", this.generation), "a", 0o600)
    this.size = 0
    this.snapshotting = this.writeSnapshot(state, this.generation).then(
      () => void (this.snapshotting = undefined),
      // The older files still hold everything; the next time that the journal is large it is tried again.
      () => void (this.snapshotting = undefined)
    )
  }

  async close(): Promise<void> {
    clearInterval(this.syncing)
    await this.snapshotting
    fsyncSync(this.file)
    closeSync(this.file)
  }

  private async writeSnapshot(state: ConsulState, generation: number): Promise<void> {
    const draft = join(this.folder, "snapshot.tmp")
    const out = createWriteStream(draft, { mode: 0o600, flush: true })
    const failed = new Promise<never>((_, reject) => out.once("error", reject))
    failed.catch(() => {})
    for (const chunk of snapshotLines(state)) {
      if (!out.write(chunk))
        await Promise.race([failed, new Promise<void>((resolve) => out.once("drain", () => resolve()))])
    }
    await Promise.race([failed, new Promise<void>((resolve) => out.end(() => resolve()))])
    renameSync(draft, this.path("snapshot", generation))
    this.snapshotSize = statSync(this.path("snapshot", generation)).size
    for (const name of readdirSync(this.folder)) {
      const found = /^(?:snapshot|journal)-(\d+)\.jsonl$/.exec(name)
      if (found !== null && Number(found[1]) < generation) rmSync(join(this.folder, name))
    }
  }

  private sync(): void {
    if (!this.dirty) return
    this.dirty = false
    // A file that was replaced meanwhile is covered by its snapshot.
    fdatasync(this.file, () => {})
  }

  private path(kind: "snapshot" | "journal", generation: number): string {
    return join(this.folder, `${kind}-${generation}.jsonl`)
  }
}

const JournalLine = Schema.parseJson(Schema.Struct({ at: Schema.Number, command: ConsulCommand }))
const decodeLine = Schema.decodeUnknownSync(JournalLine)

const replay = (from: ConsulState, path: string, isLast: boolean): ConsulState => {
  const text = readFileSync(path, "utf8")
  const complete = text.slice(0, text.lastIndexOf("\n") + 1)
  if (complete.length < text.length) {
    if (!isLast) throw new StoredStateError({ path, why: "its last line is cut off" })
    truncateSync(path, Buffer.byteLength(complete))
  }
  let state = from
  for (const [index, line] of complete.split("\n").entries()) {
    if (line === "") continue
    const { at, command } = attempt(path, index + 1, () => decodeLine(line))
    state = applyCommand(state, command, at).state
  }
  return state
}

const readSnapshot = (path: string): ConsulState => {
  const reader = new SnapshotReader()
  for (const [index, line] of readFileSync(path, "utf8").split("\n").entries())
    if (line !== "") attempt(path, index + 1, () => reader.take(line))
  return attempt(path, 0, () => reader.finish())
}

const attempt = <A>(path: string, line: number, read: () => A): A => {
  try {
    return read()
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new StoredStateError({ path, why: `line ${line} is damaged (${why})` })
  }
}
