import type { PlatformError } from "@effect/platform/Error"
import type { LockBusy } from "./lockFile.ts"

/** Why a file couldn't be used, in the system's own words: `EACCES: permission denied, open 'deploy/version.yaml'`. */
export const fileFault = (error: PlatformError | LockBusy): string =>
  error._tag === "LockBusy" ? error.message : (error.description ?? error.message)
