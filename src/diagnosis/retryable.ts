import type { Cause } from "./Cause.ts"

/** Whether the same submission may do better the next time, by what went wrong alone. */
export const isTransient = (cause: Cause): boolean => transient.has(cause)

const transient: ReadonlySet<Cause> = new Set([
  "git-unreachable",
  "base-image-unreachable",
  "network-unreachable",
  "name-resolution",
  "disk-full",
  "registry-unreachable",
  "push-failed",
  "queue-timeout",
  "slot-taken",
  "infrastructure",
  "cancelled"
])
