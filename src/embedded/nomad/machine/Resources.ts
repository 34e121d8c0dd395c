import type { TaskGroup } from "./JobSpec.ts"

/** What allocations take of their node: MHz, MiB and MiB. */
export interface Resources {
  readonly cpu: number
  readonly memory: number
  readonly disk: number
}

export const nothing: Resources = { cpu: 0, memory: 0, disk: 0 }

export const demandOf = (group: TaskGroup): Resources =>
  (group.Tasks ?? []).reduce(
    (sum, { Resources }) => plus(sum, { cpu: Resources.CPU, memory: Resources.MemoryMB, disk: 0 }),
    { ...nothing, disk: group.EphemeralDisk.SizeMB }
  )

export const plus = (one: Resources, other: Resources): Resources => ({
  cpu: one.cpu + other.cpu,
  memory: one.memory + other.memory,
  disk: one.disk + other.disk
})

export const minus = (one: Resources, other: Resources): Resources => ({
  cpu: one.cpu - other.cpu,
  memory: one.memory - other.memory,
  disk: one.disk - other.disk
})
