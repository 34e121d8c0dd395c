import { execFileSync } from "node:child_process"
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"

/** The beginning of each Dockerfile here: a base system without any network. */
export const busybox = [
  "FROM scratch",
  "COPY busybox /bin/busybox",
  'RUN ["/bin/busybox", "sh", "-c", "/bin/busybox --install -s /bin && mkdir -p /tmp"]'
].join("\n")

/** A committed Git repository with these files, and busybox beside each Dockerfile's context. */
export const makeRepository = (
  folder: string,
  files: Readonly<Record<string, string>>,
  contexts: ReadonlyArray<string> = ["."]
): string => {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
    if (text.startsWith("#!")) chmodSync(join(folder, name), 0o755)
  }
  const program = execFileSync("sh", ["-c", "command -v busybox"], { encoding: "utf8" }).trim()
  for (const context of contexts) copyFileSync(program, join(folder, context, "busybox"))
  const git = (...args: ReadonlyArray<string>) =>
    execFileSync("git", ["-c", "user.name=test", "-c", "user.email=test@example.com", ...args], {
      cwd: folder,
      stdio: ["ignore", "ignore", "pipe"]
    })
  git("init", "--quiet", "--initial-branch=main")
  git("add", "--all")
  git("commit", "--quiet", "--message=test")
  return `file://${folder}`
}
