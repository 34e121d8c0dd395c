import type { TaskContext } from "../TaskDriver.ts"

/** From a path as the task sees it to the same path on this machine. Longest first: volumes may lie inside folders. */
export const hostPaths = (context: TaskContext): ReadonlyArray<readonly [inside: string, outside: string]> =>
  [
    ["/alloc", context.folders.alloc] as const,
    ["/local", context.folders.local] as const,
    ["/secrets", context.folders.secrets] as const,
    ...context.volumes.map((volume) => [withoutSlash(volume.destination), volume.source] as const)
  ].toSorted(([a], [b]) => b.length - a.length)

/** Rewrites a value that is one of the task's paths or lies below one. Any other value stays as it is. */
export const toHostPath = (paths: ReadonlyArray<readonly [inside: string, outside: string]>, value: string): string => {
  const found = paths.find(([inside]) => value === inside || value.startsWith(`${inside}/`))
  return found === undefined ? value : found[1] + value.slice(found[0].length)
}

const withoutSlash = (path: string): string => (path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path)
