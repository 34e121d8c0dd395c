import { existsSync } from "node:fs"
import { delimiter, join } from "node:path"

const programs = ["buildah", "crun", "skopeo", "git", "setpriv", "unshare", "docker-registry", "busybox", "jq"]

const onPath = (name: string): boolean =>
  (process.env["PATH"] ?? "").split(delimiter).some((folder) => existsSync(join(folder, name)))

/** The programs that builds for real need and this machine lacks. */
export const missingPrograms: ReadonlyArray<string> = programs.filter((name) => !onPath(name))

/** A title that says why a suite is skipped. */
export const titled = (title: string): string =>
  missingPrograms.length === 0 ? title : `${title} (skipped: no ${missingPrograms.join(", ")} on the PATH)`
