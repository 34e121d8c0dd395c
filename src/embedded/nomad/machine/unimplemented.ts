import type { Job, Task, TaskGroup } from "./JobSpec.ts"

/**
 * What this server can't do though Nomad can, by the name of the field, beyond what decoding refuses: each would change
 * what runs, so the job is not taken.
 */
export const unimplemented = (job: Job): ReadonlyArray<string> => [
  ...(job.Type === "batch" ? [] : [`Job.Type ${JSON.stringify(job.Type)} (only "batch")`]),
  ...(job.Stop ? ["Job.Stop"] : []),
  ...distinct(job.Constraints, "Job.Constraints"),
  ...(job.TaskGroups ?? []).flatMap(ofGroup)
]

/** One error text for all refusals, in the style of the server's other validation errors. */
export const refusalText = (field: string): string => `${field} is not implemented by this server`

const ofGroup = (group: TaskGroup): ReadonlyArray<string> => [
  ...((group.Tasks ?? []).length > 1 ? ["Job.TaskGroups.Tasks (more than one task in a group)"] : []),
  ...(group.ReschedulePolicy.Attempts > 0 || group.ReschedulePolicy.Unlimited
    ? ["Job.TaskGroups.ReschedulePolicy (Attempts must be 0 and Unlimited false)"]
    : []),
  ...(group.RestartPolicy.Attempts > 0 ? ["Job.TaskGroups.RestartPolicy (Attempts must be 0)"] : []),
  ...distinct(group.Constraints, "Job.TaskGroups.Constraints"),
  ...Object.values(group.Volumes ?? {}).flatMap((volume) =>
    volume.Type === "csi" ? ['Job.TaskGroups.Volumes.Type "csi"'] : []
  ),
  ...(group.Tasks ?? []).flatMap(ofTask)
]

const ofTask = (task: Task): ReadonlyArray<string> => [
  ...((task.RestartPolicy?.Attempts ?? 0) > 0 ? ["Job.TaskGroups.Tasks.RestartPolicy (Attempts must be 0)"] : []),
  ...(["", "SIGTERM", "SIGINT", "SIGKILL"].includes(task.KillSignal)
    ? []
    : [`Job.TaskGroups.Tasks.KillSignal ${JSON.stringify(task.KillSignal)}`]),
  ...((task.Templates ?? []).some((template) => template.ChangeMode === "script")
    ? ['Job.TaskGroups.Tasks.Templates.ChangeMode "script"']
    : []),
  ...((task.VolumeMounts ?? []).some((mount) => mount.PropagationMode !== "private")
    ? ["Job.TaskGroups.Tasks.VolumeMounts.PropagationMode"]
    : [])
]

const distinct = (constraints: Job["Constraints"], field: string): ReadonlyArray<string> =>
  (constraints ?? []).flatMap(({ Operand }) => (Operand.startsWith("distinct_") ? [`${field} ${Operand}`] : []))
