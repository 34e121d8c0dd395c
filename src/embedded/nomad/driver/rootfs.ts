import { lstat, readFile, readlink } from "node:fs/promises"
import { dirname, join, resolve } from "node:path"

/**
 * Where a path of a container lies on this machine, with every link followed as the container would.
 *
 * An image's links may point anywhere: following them on this machine would read this machine's files. Undefined when
 * there is nothing, or when the links go in circles.
 */
export const inRootfs = async (rootfs: string, path: string): Promise<string | undefined> => {
  let pending = resolve("/", path).split("/").filter(Boolean)
  let inside = "/"
  for (let links = 0; links <= mostLinks;) {
    const next = pending.shift()
    if (next === undefined) return join(rootfs, inside)
    const candidate = resolve(inside, next)
    const target = await linkTarget(join(rootfs, candidate))
    if (target === "missing") return undefined
    if (target === "no link") {
      inside = candidate
      continue
    }
    links += 1
    pending = resolve(dirname(candidate), target.link).split("/").filter(Boolean).concat(pending)
    inside = "/"
  }
  return undefined
}

/** A text file of the container; empty when it has none. */
export const readInRootfs = async (rootfs: string, path: string): Promise<string> => {
  const file = await inRootfs(rootfs, path)
  if (file === undefined) return ""
  return readFile(file, "utf8").catch(() => "")
}

/** Linux gives up after as many links. */
const mostLinks = 40

const linkTarget = async (path: string): Promise<"missing" | "no link" | { readonly link: string }> => {
  try {
    const found = await lstat(path)
    return found.isSymbolicLink() ? { link: await readlink(path) } : "no link"
  } catch (error) {
    // A folder that can't be searched may well hold it: only the container itself can tell.
    return error instanceof Error && "code" in error && error.code === "EACCES" ? "no link" : "missing"
  }
}
