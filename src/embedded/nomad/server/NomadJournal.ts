import { Data, Schema } from "effect"
import {
  closeSync,
  fdatasync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  truncateSync
} from "node:fs"
import { join } from "node:path"
import { emptyState, type NomadState } from "../machine/NomadState.ts"
import { Compaction } from "./Compaction.ts"
import { SharedGroups } from "./SharedGroups.ts"
import { type StoredStep, toStoredStep, withStep } from "./storedRows.ts"
import { writeAll } from "../../writeAll.ts"

/** What is stored cannot be read. */
export class StoredNomadError extends Data.TaggedError("StoredNomadError")<{
  readonly path: string
  readonly why: string
}> {
  override get message(): string {
    return `cannot use the stored state ${this.path}: ${this.why}`
  }
}

/**
 * The servers' state on disk: one file of the rows that each command wrote, begun anew with the whole state when it has
 * grown too long.
 *
 * A step is handed to the operating system before it is answered, so the death of the process loses nothing that was
 * answered. It is forced to the disk at most a second later: a power cut can lose that second.
 */
export class NomadJournal {
  private readonly path: string
  private file: number
  private size: number
  private compactSize: number
  private dirty = false
  private groups: SharedGroups
  private compaction: Compaction | undefined
  private readonly syncing: NodeJS.Timeout

  private constructor(path: string, groups: SharedGroups) {
    this.path = path
    this.groups = groups
    this.file = openSync(path, "a", 0o600)
    this.size = statSync(path).size
    this.compactSize = this.size
    this.syncing = setInterval(() => this.sync(), 1000)
    this.syncing.unref()
  }

  /** Throws StoredNomadError. A last line that was cut off, which nobody was answered, is dropped. */
  static open(folder: string): { readonly state: NomadState; readonly journal: NomadJournal } {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const path = join(folder, "journal.jsonl")
    const groups = new SharedGroups()
    const journal = new NomadJournal(path, groups)
    try {
      return { state: replay(path, groups), journal }
    } catch (error) {
      journal.close()
      throw error
    }
  }

  /** Throws what the file system throws, and has then written nothing. */
  append(step: StoredStep): void {
    if (step.changes.length === 0) return
    const { line, written } = this.groups.encode(step)
    const bytes = Buffer.from(`${line}\n`)
    try {
      writeAll(this.file, bytes)
    } catch (error) {
      ftruncateSync(this.file, this.size)
      throw error
    }
    written()
    this.compaction?.note(step)
    this.size += bytes.length
    this.dirty = true
  }

  /**
   * Begins anew with this state where the file has grown too long. Done when it has, which fails never: where the file
   * system refuses, the longer file stays in use until it has grown as much again.
   */
  async compactIfLarge(state: NomadState, largerThan = 16 * 1024 * 1024): Promise<void> {
    if (this.compaction !== undefined || this.size <= Math.max(largerThan, 2 * this.compactSize)) return
    const compaction = new Compaction(this.path, state)
    this.compaction = compaction
    try {
      const compacted = await compaction.run()
      if (compacted === undefined) return
      closeSync(this.file)
      this.file = compacted.file
      this.size = compacted.size
      this.groups = compacted.groups
      // What came meanwhile was not forced to the disk with the rest.
      this.dirty = true
    } catch {
      // Tried again when it is twice as long.
    }
    this.compactSize = this.size
    this.compaction = undefined
  }

  close(): void {
    clearInterval(this.syncing)
    this.compaction?.abandon()
    fsyncSync(this.file)
    closeSync(this.file)
  }

  private sync(): void {
    if (!this.dirty) return
    this.dirty = false
    // One that is replaced meanwhile needs it no more.
    fdatasync(this.file, () => {})
  }
}

const parse = Schema.decodeUnknownSync(Schema.parseJson(Schema.Unknown))

const replay = (path: string, groups: SharedGroups): NomadState => {
  const text = readFileSync(path, "utf8")
  const complete = text.slice(0, text.lastIndexOf("\n") + 1)
  if (complete.length < text.length) truncateSync(path, Buffer.byteLength(complete))
  const decode = groups.reader()
  let state = emptyState
  for (const [index, line] of complete.split("\n").entries()) {
    if (line !== "") state = withStep(state, read(path, index + 1, line, decode))
  }
  return state
}

const read = (path: string, number: number, line: string, decode: (line: unknown) => unknown): StoredStep => {
  try {
    return toStoredStep(decode(parse(line)))
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new StoredNomadError({ path, why: `line ${number} is damaged (${why})` })
  }
}
