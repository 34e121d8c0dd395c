import { Data, Schema } from "effect"
import {
  closeSync,
  fdatasync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  writeSync
} from "node:fs"
import { join } from "node:path"
import { emptyState, type NomadState } from "../machine/NomadState.ts"
import { SharedGroups } from "./SharedGroups.ts"
import { stepsOf, type StoredStep, toStoredStep, withStep } from "./storedRows.ts"

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
    this.size += bytes.length
    this.dirty = true
  }

  /** Throws what the file system throws; the longer file stays in use then. */
  compactIfLarge(state: NomadState, largerThan = 16 * 1024 * 1024): void {
    if (this.size <= Math.max(largerThan, 2 * this.compactSize)) return
    const draft = `${this.path}.tmp`
    const file = openSync(draft, "w", 0o600)
    const groups = new SharedGroups()
    for (const step of stepsOf(state)) {
      const { line, written } = groups.encode(step)
      writeAll(file, Buffer.from(`${line}\n`))
      written()
    }
    fsyncSync(file)
    closeSync(file)
    renameSync(draft, this.path)
    closeSync(this.file)
    this.file = openSync(this.path, "a", 0o600)
    this.size = statSync(this.path).size
    this.compactSize = this.size
    this.groups = groups
  }

  close(): void {
    clearInterval(this.syncing)
    fsyncSync(this.file)
    closeSync(this.file)
  }

  private sync(): void {
    if (!this.dirty) return
    this.dirty = false
    // A file that was replaced meanwhile was forced to the disk as a whole.
    fdatasync(this.file, () => {})
  }
}

const writeAll = (file: number, bytes: Buffer): void => {
  for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done)
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
