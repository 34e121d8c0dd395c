import type { Stats } from "node:fs"
import { type FileHandle, lstat, open, readdir, realpath, stat } from "node:fs/promises"
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

/** The folder of one allocation as the client's file API shows it: nothing outside of it, and no secrets. */
export class AllocationFiles {
  readonly root: string

  constructor(root: string) {
    this.root = root
  }

  async exists(): Promise<boolean> {
    return (await stat(this.root).catch(() => undefined)) !== undefined
  }

  /** Fails with 404 or 500, and Go's text. */
  async list(path: string): Promise<ReadonlyArray<FileInfo>> {
    const target = await this.locate(path)
    const names = await readdir(target).catch((error: unknown) => fault(404, "open", target, error))
    const infos: Array<FileInfo> = []
    for (const name of names.toSorted()) {
      const info = await lstat(join(target, name)).catch(() => undefined)
      if (info !== undefined) infos.push(infoOf(name, info))
    }
    return infos
  }

  /** Fails with `status`: the stream endpoints say 400 for what others say 500. */
  async stat(path: string, status: number): Promise<FileInfo> {
    const target = await this.locate(path)
    const info = await stat(target).catch((error: unknown) => fault(status, "stat", target, error))
    return { ...infoOf(target.split(sep).at(-1) ?? "", info), ContentType: contentType(path, info) }
  }

  /** Fails with 500 for what may not be read or isn't there. */
  async open(path: string): Promise<FileHandle> {
    const target = await this.locate(path)
    const [, folder = ""] = target.slice(this.root.length).split(sep).slice(1)
    if (folder === "secrets" || folder === "private") {
      throw new HttpFault(500, `Reading ${folder === "secrets" ? "secret" : "private"} file prohibited: ${path}`)
    }
    return open(target, "r").catch((error: unknown) => fault(500, "open", target, error))
  }

  /** Links are followed before it is judged: a task can make them. */
  private async locate(path: string): Promise<string> {
    const target = join(this.root, path)
    if (target !== this.root && !target.startsWith(this.root + sep) && !target.startsWith(`${this.root}/`)) {
      throw new HttpFault(500, "Path escapes the alloc directory")
    }
    const [root, real] = await Promise.all([this.root, target].map((name) => realpath(name).catch(() => name)))
    if (root !== undefined && real !== undefined && real !== root && !real.startsWith(root + sep)) {
      // Also what isn't there when the root itself is a link.
      if (real !== target) throw new HttpFault(500, "Path escapes the alloc directory")
    }
    return real !== undefined && root !== undefined && real.startsWith(root)
      ? this.root + real.slice(root.length)
      : target
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
