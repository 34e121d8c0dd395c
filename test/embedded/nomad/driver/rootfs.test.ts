import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { Either } from "effect"
import { commandProblem } from "../../../../src/embedded/nomad/driver/containerCommand.ts"
import { containerUser } from "../../../../src/embedded/nomad/driver/containerUser.ts"
import { inRootfs, readInRootfs } from "../../../../src/embedded/nomad/driver/rootfs.ts"

describe("an image's file system", () => {
  let rootfs = ""
  beforeEach(async () => {
    rootfs = await mkdtemp(join(tmpdir(), "rootfs-"))
    await mkdir(join(rootfs, "etc"))
    await mkdir(join(rootfs, "usr/bin"), { recursive: true })
    await writeFile(join(rootfs, "usr/bin/tool"), "", { mode: 0o755 })
    await symlink("usr/bin", join(rootfs, "bin"))
    await writeFile(
      join(rootfs, "etc/passwd"),
      "# accounts\nroot:x:0:0::/root:/bin/sh\napp:x:12:34::/home/app:\nbare:x:7:8:::\n"
    )
    await writeFile(join(rootfs, "etc/group"), "app:x:34:\nwheel:x:10:root,app\nodd:x::app\n")
  })
  afterEach(() => rm(rootfs, { recursive: true, force: true }))

  it("is never left by a link, however it is written", async () => {
    await symlink("/etc/hostname", join(rootfs, "etc/absolute"))
    await symlink("../../../../../../../../etc/hostname", join(rootfs, "etc/relative"))
    await symlink("circle", join(rootfs, "etc/circle"))
    assert.isUndefined(await inRootfs(rootfs, "/etc/absolute"))
    assert.isUndefined(await inRootfs(rootfs, "/etc/relative"))
    assert.isUndefined(await inRootfs(rootfs, "/etc/circle"))
    assert.strictEqual(await readInRootfs(rootfs, "/../../etc/hostname"), "")
    assert.strictEqual(await inRootfs(rootfs, "/bin/../bin/tool"), join(rootfs, "bin/tool").replace("bin", "usr/bin"))
  })

  it("tells a command that can run from one that can't, by path or by PATH", async () => {
    assert.isUndefined(await commandProblem(rootfs, "/", "/sbin:/bin", ["tool"]))
    assert.isUndefined(await commandProblem(rootfs, "/usr", "", ["./bin/tool"]))
    assert.include(await commandProblem(rootfs, "/", "/sbin", ["tool"]), "executable file not found in $PATH")
    assert.include(await commandProblem(rootfs, "/", "/bin", ["/bin"]), 'exec: "/bin": is a directory: unknown')
    assert.include(await commandProblem(rootfs, "/", "/bin", ["/etc/group"]), "permission denied: unknown")
    assert.include(await commandProblem(rootfs, "/", "/bin", ["/no"]), "stat /no: no such file or directory: unknown")
  })

  it("knows users by name and number, with or without a group", async () => {
    const found = async (user: string) => Either.merge(await containerUser(rootfs, user))
    const app = { uid: 12, gid: 34, additionalGids: [34, 10], home: "/home/app" }
    assert.deepStrictEqual(await found("app"), app)
    assert.deepStrictEqual(await found("12"), app)
    assert.deepStrictEqual(await found(""), { uid: 0, gid: 0, additionalGids: [0, 10], home: "/root" })
    assert.deepStrictEqual(await found("app:wheel"), { ...app, gid: 10, additionalGids: [10] })
    assert.deepStrictEqual(await found("1000:99"), { uid: 1000, gid: 99, additionalGids: [99], home: "/" })
    assert.deepStrictEqual(await found("1000"), { uid: 1000, gid: 0, additionalGids: [0], home: "/" })
    assert.deepStrictEqual(await found("bare"), { uid: 7, gid: 8, additionalGids: [8], home: "/" })
    assert.include(await found("nobody"), "unable to find user nobody")
    assert.include(await found("app:none"), "unable to find group none")
  })
})
