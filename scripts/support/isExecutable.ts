import { accessSync, constants } from "node:fs"

/** Whether this process may run what lies there. */
export const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
