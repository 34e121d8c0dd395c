import { copyFileSync, mkdirSync, symlinkSync } from "node:fs"
import { dirname, join } from "node:path"
import { command } from "../../scripts/cluster/Docker.ts"

/**
 * A tree of files in the place of the Dockerfile's two bases, which can't be pulled everywhere: this machine's own node with
 * what it is linked with, and busybox for a shell.
 */
export const makeBaseTree = async (folder: string): Promise<void> => {
  const node = join(folder, "usr/local/bin/node")
  for (const path of ["usr/local/bin", "bin", "tmp", "etc"]) mkdirSync(join(folder, path), { recursive: true })
  copyFileSync(process.execPath, node)
  const busybox = (await command(["sh", "-c", "command -v busybox"])).trim()
  copyFileSync(busybox, join(folder, "bin/busybox"))
  for (const name of ["sh", "mkdir", "cp", "chmod", "printf"]) symlinkSync("busybox", join(folder, "bin", name))
  const linked = [process.execPath, busybox].map((program) => command(["ldd", program]).catch(() => ""))
  const libraries = (await Promise.all(linked)).join("\n").matchAll(/(\/\S+) \(0x/g)
  for (const [, path = ""] of libraries) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    copyFileSync(path, join(folder, path))
  }
}
