import { closeSync, fsync, openSync, renameSync, rmSync } from "node:fs"
import { setImmediate as turn } from "node:timers/promises"
import { promisify } from "node:util"
import type { NomadState } from "../machine/NomadState.ts"
import { SharedGroups } from "./SharedGroups.ts"
import { stepsOf, type StoredStep } from "./storedRows.ts"
import { writeAll } from "../../writeAll.ts"

/** The journal's file that took the old one's place. */
export interface Compacted {
  readonly file: number
  readonly size: number
  readonly groups: SharedGroups
}

/**
 * Writes a state beside the journal that is in use, a little at a time: with thousands of jobs it takes seconds, in which
 * the servers must answer. What happens meanwhile goes to both, so that either is whole whenever this ends.
 */
export class Compaction {
  readonly #path: string
  readonly #draft: string
  readonly #state: NomadState
  readonly #meanwhile: Array<StoredStep> = []
  readonly #groups = new SharedGroups()
  #size = 0
  #abandoned = false

  constructor(path: string, state: NomadState) {
    this.#path = path
    this.#draft = `${path}.tmp`
    this.#state = state
  }

  /** A step that the state doesn't have yet. */
  note(step: StoredStep): void {
    this.#meanwhile.push(step)
  }

  abandon(): void {
    this.#abandoned = true
  }

  /** Undefined when it was abandoned. Throws what the file system throws; the old file is untouched then. */
  async run(): Promise<Compacted | undefined> {
    const file = openSync(this.#draft, "w", 0o600)
    try {
      for await (const step of inTurns(stepsOf(this.#state))) {
        if (this.#abandoned) return this.#leave(file)
        this.#write(file, step)
      }
      await sync(file)
      if (this.#abandoned) return this.#leave(file)
      for (const step of this.#meanwhile) this.#write(file, step)
      renameSync(this.#draft, this.#path)
      return { file, size: this.#size, groups: this.#groups }
    } catch (error) {
      this.#leave(file)
      throw error
    }
  }

  #write(file: number, step: StoredStep): void {
    const { line, written } = this.#groups.encode(step)
    const bytes = Buffer.from(`${line}\n`)
    writeAll(file, bytes)
    written()
    this.#size += bytes.length
  }

  #leave(file: number): undefined {
    closeSync(file)
    rmSync(this.#draft, { force: true })
  }
}

const sync = promisify(fsync)

/** Milliseconds that others wait at most. */
const slice = 5

async function* inTurns<A>(items: Iterable<A>): AsyncGenerator<A> {
  let begun = performance.now()
  for (const item of items) {
    if (performance.now() - begun > slice) {
      await turn()
      begun = performance.now()
    }
    yield item
  }
}
