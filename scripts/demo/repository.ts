import { execFileSync } from "node:child_process"
import { chmodSync, copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"

const dockerfile = `# Everything that this image needs is in the repository: it builds without a network.
FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "sh", "-c", "/bin/busybox --install -s /bin && mkdir -p /tmp /var/demo"]
RUN seq 1 8000000 | sha256sum > /var/demo/layer
COPY hello /usr/bin/hello
ENV WORLD=World
ENTRYPOINT ["/usr/bin/hello"]
`

const hello = `#!/bin/sh
echo "Hello $WORLD"
`

/** A small repository with a program, its Dockerfile, and nothing else. */
export const makeRepository = (folder: string): string => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, "Dockerfile"), dockerfile)
  writeFileSync(join(folder, "hello"), hello)
  chmodSync(join(folder, "hello"), 0o755)
  copyFileSync(busybox(), join(folder, "busybox"))
  const git = (...args: ReadonlyArray<string>) =>
    execFileSync("git", ["-c", "user.name=demo", "-c", "user.email=demo@example.com", ...args], {
      cwd: folder,
      stdio: ["ignore", "ignore", "pipe"]
    })
  git("init", "--quiet", "--initial-branch=main")
  git("add", "--all")
  git("commit", "--quiet", "--message=hello")
  return `file://${folder}`
}

const busybox = (): string => execFileSync("sh", ["-c", "command -v busybox"], { encoding: "utf8" }).trim()
