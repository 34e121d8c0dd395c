import { closeSync, fstatSync, openSync, readdirSync, rmSync } from "node:fs"
import { join } from "node:path"
import { writeAll } from "../../writeAll.ts"

/** A task's output as `<name>.<n>`, begun anew when a file is full, with the oldest removed beyond a number of files. */
export class LogRotator {
  private readonly folder: string
  private readonly name: string
  private readonly maxFiles: number
  private readonly maxBytes: number
  private number: number
  private file: number
  private size: number

  constructor(options: {
    readonly folder: string
    /** E.g. `main.stdout`. */
    readonly name: string
    readonly maxFiles: number
    readonly maxBytes: number
  }) {
    this.folder = options.folder
    this.name = options.name
    this.maxFiles = options.maxFiles
    this.maxBytes = options.maxBytes
    this.number = Math.max(0, ...this.numbers())
    this.file = this.open()
    this.size = fstatSync(this.file).size
  }

  /** Cuts at the end of a line where a file fills up, if there is one. Throws what the file system throws. */
  write(chunk: Uint8Array): void {
    let rest = chunk
    while (rest.length > 0) {
      const room = this.maxBytes - this.size
      if (rest.length <= room) return this.append(rest)
      const line = rest.lastIndexOf(newline, Math.max(0, room - 1)) + 1
      const cut = line > 0 && line <= room ? line : this.size === 0 ? room : 0
      this.append(rest.subarray(0, cut))
      rest = rest.subarray(cut)
      this.rotate()
    }
  }

  close(): void {
    closeSync(this.file)
  }

  private append(bytes: Uint8Array): void {
    writeAll(this.file, bytes)
    this.size += bytes.length
  }

  private rotate(): void {
    closeSync(this.file)
    this.number += 1
    this.file = this.open()
    this.size = 0
    for (const number of this.numbers()) {
      if (number <= this.number - this.maxFiles) rmSync(join(this.folder, `${this.name}.${number}`), { force: true })
    }
  }

  private open(): number {
    return openSync(join(this.folder, `${this.name}.${this.number}`), "a", 0o644)
  }

  private numbers(): ReadonlyArray<number> {
    return readdirSync(this.folder).flatMap((file) => {
      const suffix = file.startsWith(`${this.name}.`) ? file.slice(this.name.length + 1) : ""
      return /^\d+$/.test(suffix) ? [Number(suffix)] : []
    })
  }
}

const newline = 10
