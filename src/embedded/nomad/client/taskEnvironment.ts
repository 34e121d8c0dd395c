import type { Task } from "../machine/JobSpec.ts"
import type { Allocation, NomadNode } from "../machine/NomadState.ts"

/** Names and values, as a template or a task's command can refer to them. */
export type Values = Readonly<Record<string, string>>

/** Where a docker task sees its folders. */
export const taskPaths = { alloc: "/alloc", local: "/local", secrets: "/secrets" }

/** What jobs can say about the node that runs them: `node.unique.id`, `attr.kernel.name`, `meta.rack`. */
export const nodeValues = (node: NomadNode): Values => ({
  "node.unique.id": node.ID,
  "node.unique.name": node.Name,
  "node.datacenter": node.Datacenter,
  "node.region": "global",
  "node.class": node.NodeClass,
  "node.pool": node.NodePool,
  ...prefixed("attr.", node.Attributes),
  ...prefixed("meta.", node.Meta)
})

/** The variables that Nomad sets for every task. */
export const nomadVariables = (allocation: Allocation, task: Task, node: NomadNode): Values => {
  const { Job: job } = allocation
  const group = (job.TaskGroups ?? []).find((candidate) => candidate.Name === allocation.TaskGroup)
  const meta = { ...job.Meta, ...group?.Meta, ...task.Meta }
  return {
    NOMAD_ALLOC_DIR: taskPaths.alloc,
    NOMAD_TASK_DIR: taskPaths.local,
    NOMAD_SECRETS_DIR: taskPaths.secrets,
    NOMAD_ALLOC_ID: allocation.ID,
    NOMAD_SHORT_ALLOC_ID: allocation.ID.slice(0, 8),
    NOMAD_ALLOC_NAME: allocation.Name,
    NOMAD_ALLOC_INDEX: /\[(\d+)\]$/.exec(allocation.Name)?.[1] ?? "0",
    NOMAD_CPU_LIMIT: String(task.Resources.CPU),
    NOMAD_MEMORY_LIMIT: String(task.Resources.MemoryMB),
    NOMAD_DC: node.Datacenter,
    NOMAD_REGION: "global",
    NOMAD_NAMESPACE: allocation.Namespace,
    NOMAD_JOB_ID: job.ID,
    NOMAD_JOB_NAME: job.Name,
    NOMAD_GROUP_NAME: allocation.TaskGroup,
    NOMAD_TASK_NAME: task.Name,
    ...Object.fromEntries(
      Object.entries(meta).flatMap(([key, value]) => [
        [`NOMAD_META_${key.toUpperCase()}`, value],
        [`NOMAD_META_${key}`, value]
      ])
    )
  }
}

/** A task's environment but for what templates make: Nomad's variables, and the job's `Env` over them. */
export const taskEnvironment = (allocation: Allocation, task: Task, node: NomadNode): Values => {
  const variables = nomadVariables(allocation, task, node)
  const known = { ...nodeValues(node), ...variables }
  const own = Object.entries(task.Env ?? {}).map(([key, value]) => [interpolate(key, known), interpolate(value, known)])
  return { ...variables, ...Object.fromEntries(own) }
}

/** Replaces `${name}` where the name is known and leaves the rest as it is. */
export const interpolate = (text: string, known: Values): string =>
  text.replaceAll(/\$\{([\w\-.]+)\}/g, (whole, name: string) =>
    Object.hasOwn(known, name) ? (known[name] ?? whole) : whole
  )

const prefixed = (prefix: string, values: Values): Values =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [prefix + key, value]))
