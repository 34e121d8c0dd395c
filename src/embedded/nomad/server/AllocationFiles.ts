import {
  closeSync,
  constants,
  existsSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  realpathSync,
  type Stats,
  statSync
} from "node:fs"
import { join, sep } from "node:path"
import { HttpFault } from "./NomadRequest.ts"

/** What a listing says of a file, in Go's forms. */
export interface FileInfo {
  readonly Name: string
  readonly IsDir: boolean
  readonly Size: number
  readonly FileMode: string
  readonly ModTime: string
  readonly ContentType?: string
}

/**
 * The folder of one allocation as the client's file API shows it: nothing outside of it, and no secrets. It is looked into
 * without the thread pool, through which each look takes longer than all of an answer's.
 */
export class AllocationFiles {
  readonly root: string

  constructor(root: string) {
    this.root = root
  }

  exists(): boolean {
    return existsSync(this.root)
  }

  /** Throws HttpFault with 404 or 500, and Go's text. */
  list(path: string): ReadonlyArray<FileInfo> {
    const target = this.locate(path)
    const names = attempt(404, "open", target, () => readdirSync(target))
    return names.toSorted().flatMap((name) => {
      const info = lstatSync(join(target, name), { throwIfNoEntry: false })
      return info === undefined ? [] : [infoOf(name, info)]
    })
  }

  /** Throws HttpFault with `status`: the stream endpoints say 400 for what others say 500. */
  stat(path: string, status: number): FileInfo {
    const target = this.locate(path)
    const info = attempt(status, "stat", target, () => statSync(target))
    return { ...infoOf(target.split(sep).at(-1) ?? "", info), ContentType: contentType(path, info) }
  }

  /** Throws HttpFault with 500 for what may not be read or isn't there. */
  open(path: string): OpenFile {
    const target = this.locate(path)
    const [, folder = ""] = target.slice(this.root.length).split(sep).slice(1)
    if (folder === "secrets" || folder === "private") {
      throw new HttpFault(500, `Reading ${folder === "secrets" ? "secret" : "private"} file prohibited: ${path}`)
    }
    // A pipe that nobody writes to must hold up nothing.
    const flags = constants.O_RDONLY | constants.O_NONBLOCK
    return new OpenFile(attempt(500, "open", target, () => openSync(target, flags)))
  }

  /** Links are followed before it is judged: a task can make them. */
  private locate(path: string): string {
    const target = join(this.root, path)
    if (target !== this.root && !target.startsWith(this.root + sep) && !target.startsWith(`${this.root}/`)) {
      throw new HttpFault(500, "Path escapes the alloc directory")
    }
    const [root, real] = [resolved(this.root), resolved(target)]
    if (real !== root && !real.startsWith(root + sep)) {
      // Also what isn't there when the root itself is a link.
      if (real !== target) throw new HttpFault(500, "Path escapes the alloc directory")
    }
    return real.startsWith(root) ? this.root + real.slice(root.length) : target
  }
}

/** How much of a file is read at once at most. */
const pieceBytes = 64 * 1024

/** Where each piece is read to before as much as there was of it is copied: it is all done before anybody else reads. */
const scratch = Buffer.allocUnsafeSlow(pieceBytes)

export class OpenFile {
  readonly #file: number

  constructor(file: number) {
    this.#file = file
  }

  /** A piece from there, of so many bytes at most; empty at the end. */
  read(position: number, most = pieceBytes): Uint8Array {
    const length = readSync(this.#file, scratch, 0, Math.min(pieceBytes, most), position)
    return new Uint8Array(scratch.subarray(0, length))
  }

  close(): void {
    closeSync(this.#file)
  }
}

/** The path itself where there is nothing. */
const resolved = (path: string): string => {
  try {
    return realpathSync.native(path)
  } catch {
    return path
  }
}

const attempt = <A>(status: number, operation: string, path: string, look: () => A): A => {
  try {
    return look()
  } catch (error) {
    return fault(status, operation, path, error)
  }
}

const infoOf = (name: string, info: Stats): FileInfo => ({
  Name: name,
  IsDir: info.isDirectory(),
  Size: info.size,
  FileMode: modeText(info),
  ModTime: info.mtime.toISOString()
})

const modeText = (info: Stats): string => {
  const bits = ["---", "--x", "-w-", "-wx", "r--", "r-x", "rw-", "rwx"]
  const kind = info.isDirectory()
    ? "d"
    : info.isSymbolicLink()
      ? "L"
      : info.isFIFO()
        ? "p"
        : info.isSocket()
          ? "S"
          : "-"
  return kind + [6, 3, 0].map((shift) => bits[(info.mode >> shift) & 7] ?? "").join("")
}

const contentType = (path: string, info: Stats): string => {
  if (path.endsWith(".json")) return "application/json"
  return info.isDirectory() ? "application/octet-stream" : "text/plain; charset=utf-8"
}

const texts = new Map([
  ["ENOENT", "no such file or directory"],
  ["EACCES", "permission denied"],
  ["ENOTDIR", "not a directory"],
  ["EISDIR", "is a directory"]
])

const fault = (status: number, operation: string, path: string, error: unknown): never => {
  const code = error instanceof Error && "code" in error ? String(error.code) : String(error)
  throw new HttpFault(status, `${operation} ${path}: ${texts.get(code) ?? code}`)
}
