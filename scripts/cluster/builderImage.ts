import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs"
import { homedir } from "node:os"
import { join } from "node:path"
import { command, type Docker } from "./Docker.ts"
import { program } from "./programs.ts"

export interface BuilderImages {
  readonly builder: string
  /** The distribution that the builder is made from, for Dockerfiles that begin with one. */
  readonly base: string
}

/**
 * Builds `manifests/builder` with docker. Where its base image can't be pulled, debootstrap makes one, and the packages come
 * from `DEBIAN_MIRROR` in place of the snapshot that the Dockerfile names. Kept in the user's cache for as long as the
 * Dockerfile stays as it is.
 */
export const provideBuilder = async (docker: Docker, say: (line: string) => void): Promise<BuilderImages> => {
  const text = readFileSync("manifests/builder/Dockerfile", "utf8")
  const base = /^FROM (\S+)$/m.exec(text)?.[1] ?? ""
  const images = { builder: "jobforge/builder:0.1.0", base }
  const cache = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "jobforge", "cluster")
  const kept = join(cache, `builder-${createHash("sha256").update(text).digest("hex").slice(0, 16)}.tar`)
  if (existsSync(kept)) {
    await docker.run(["load", "--quiet", "--input", kept])
    return images
  }
  mkdirSync(cache, { recursive: true })
  const pulled = await docker.run(["pull", "--quiet", base]).then(
    () => true,
    () => false
  )
  if (!pulled) await makeBase(docker, base, /%s (\w+) main/.exec(text)?.[1] ?? "", join(cache, "base"), say)
  say("building manifests/builder")
  const mirrors = pulled
    ? []
    : ["--build-arg", `DEBIAN_MIRROR=${mirror()}`, "--build-arg", `DEBIAN_SECURITY_MIRROR=${mirror()}-security`]
  const build = ["build", "--network", "host", ...mirrors, "--tag", images.builder, "manifests/builder"]
  // The classic builder: docker's newer one is a program of its own that isn't everywhere.
  await docker.run(build, { DOCKER_BUILDKIT: "0" })
  await docker.run(["save", "--output", `${kept}.part`, base, images.builder])
  renameSync(`${kept}.part`, kept)
  return images
}

const mirror = (): string => process.env["DEBIAN_MIRROR"] ?? "http://deb.debian.org/debian"

const makeBase = async (
  docker: Docker,
  image: string,
  suite: string,
  folder: string,
  say: (line: string) => void
): Promise<void> => {
  const debootstrap = program("", "debootstrap")
  if (debootstrap === undefined)
    throw new Error(`${image} can't be pulled, and there is no debootstrap to make it with`)
  say(`${image} can't be pulled: debootstrap makes one`)
  rmSync(folder, { recursive: true, force: true })
  await command([debootstrap, "--variant=minbase", suite, folder, mirror()])
  await command(["sh", "-c", 'rm -rf "$1"/var/cache/apt/archives/*.deb "$1"/var/lib/apt/lists/*', "sh", folder])
  await docker.importTree(folder, image)
  rmSync(folder, { recursive: true, force: true })
}
