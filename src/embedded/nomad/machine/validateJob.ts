import { formatGoDuration } from "../../http/goDuration.ts"
import type { Constraint, Job, Task, TaskGroup, Template } from "./JobSpec.ts"
import { constraintFault } from "./constraintFault.ts"

/** What Nomad's servers say about a job before they take it; empty when they take it. Order and wording are theirs. */
export const validateJob = (job: Job): ReadonlyArray<string> => [
  ...idFaults(job),
  ...(["service", "batch", "system", "sysbatch"].includes(job.Type) ? [] : [`Invalid job type: ${quoted(job.Type)}`]),
  ...((job.Datacenters ?? []).includes("") ? ["Job datacenter must be non-empty string"] : []),
  ...((job.TaskGroups ?? []).length === 0 ? ["Missing job task groups"] : []),
  ...constraintFaults(job.Constraints),
  ...groupNameFaults(job.TaskGroups ?? []),
  ...(job.TaskGroups ?? []).flatMap((group) =>
    nested(`Task group ${group.Name} validation failed`, groupFaults(job, group))
  ),
  ...(job.Priority < 1 || job.Priority > 100 ? ["job priority must be between [1, 100]"] : [])
]

/** Several errors as one text, in the form of HashiCorp's multierror. */
export const multiError = (errors: ReadonlyArray<string>): string =>
  `${errors.length === 1 ? "1 error" : `${errors.length} errors`} occurred:\n\t${errors
    .map((error) => `* ${error}`)
    .join("\n\t")}\n\n`

const quoted = (text: string): string => JSON.stringify(text)

const nested = (outer: string, errors: ReadonlyArray<string>): ReadonlyArray<string> =>
  errors.length === 0 ? [] : [`${outer}: ${multiError(errors)}`]

const idFaults = (job: Job): ReadonlyArray<string> => {
  const faults: Array<string> = []
  if (job.ID === "") faults.push("Missing job ID")
  else if (job.ID.includes(" ")) faults.push("Job ID contains a space")
  else if (job.ID.includes("\0")) faults.push("Job ID contains a null character")
  if (job.Name === "") faults.push("Missing job name")
  if (job.Name.includes("\0")) faults.push("Job Name contains a null character")
  return faults
}

const constraintFaults = (constraints: ReadonlyArray<Constraint> | null): ReadonlyArray<string> =>
  (constraints ?? []).flatMap((constraint, index) => {
    const faults = constraintFault(constraint)
    return nested(`Constraint ${index + 1} validation failed`, faults)
  })

const groupNameFaults = (groups: ReadonlyArray<TaskGroup>): ReadonlyArray<string> =>
  groups.flatMap((group, index) => {
    if (group.Name === "") return [`Job task group ${index + 1} missing name`]
    const first = groups.findIndex((other) => other.Name === group.Name)
    return first < index ? [`Job task group ${index + 1} redefines '${group.Name}' from group ${first + 1}`] : []
  })

const groupFaults = (job: Job, group: TaskGroup): ReadonlyArray<string> => {
  const tasks = group.Tasks ?? []
  return [
    ...(group.Name === "" ? ["Missing task group name"] : []),
    ...(group.Count < 0 ? ["Task group count can't be negative"] : []),
    ...(tasks.length === 0 ? ["Missing tasks for task group"] : []),
    ...constraintFaults(group.Constraints),
    ...restartFaults(group),
    ...rescheduleFaults(job, group),
    ...(group.EphemeralDisk.SizeMB < 10 ? [`minimum DiskMB value is 10; got ${group.EphemeralDisk.SizeMB}`] : []),
    ...tasks.flatMap((task, index) => taskNameFaults(tasks, task, index)),
    ...volumeFaults(group),
    ...tasks.flatMap((task) => nested(`Task ${task.Name} validation failed`, taskFaults(group, task)))
  ]
}

/** Nomad appends what a part says as a single error of its own. */
const asOne = (errors: ReadonlyArray<string>): ReadonlyArray<string> =>
  errors.length === 0 ? [] : [multiError(errors)]

const restartFaults = (group: TaskGroup): ReadonlyArray<string> => {
  const policy = group.RestartPolicy
  const faults: Array<string> = []
  if (policy.Mode !== "fail" && policy.Mode !== "delay") faults.push(`Unsupported restart mode: ${quoted(policy.Mode)}`)
  if (policy.Attempts === 0 && policy.Mode !== "fail") {
    faults.push(`Restart policy ${quoted(policy.Mode)} with 0 attempts is ambiguous`)
  }
  if (policy.Interval < 5_000_000_000) {
    faults.push(`Interval can not be less than 5s (got ${formatGoDuration(policy.Interval / 1e6)})`)
  }
  return faults
}

const rescheduleFaults = (job: Job, group: TaskGroup): ReadonlyArray<string> => {
  const policy = group.ReschedulePolicy
  if (job.Type === "system" || (policy.Attempts === 0 && !policy.Unlimited)) return []
  return policy.Attempts > 0 && policy.Interval <= 0 ? ["Interval must be a non zero value if Attempts > 0"] : []
}

const taskNameFaults = (tasks: ReadonlyArray<Task>, task: Task, index: number): ReadonlyArray<string> => {
  if (task.Name === "") return [`Task ${index + 1} missing name`]
  const first = tasks.findIndex((other) => other.Name === task.Name)
  return first < index ? [`Task ${index + 1} redefines '${task.Name}' from task ${first + 1}`] : []
}

const volumeFaults = (group: TaskGroup): ReadonlyArray<string> =>
  Object.entries(group.Volumes ?? {}).flatMap(([name, volume]) => {
    const outer = `Task group volume validation for ${name} failed`
    return volume.Source === "" ? nested(outer, ["volume has an empty source"]) : []
  })

const taskFaults = (group: TaskGroup, task: Task): ReadonlyArray<string> => [
  ...(task.Name === "" ? ["Missing task name"] : []),
  ...(/[/\\]/.test(task.Name) ? ["Task name cannot include slashes"] : []),
  ...(task.Name.includes("\0") ? ["Task name cannot include null characters"] : []),
  ...(task.Driver === "" ? ["Missing task driver"] : []),
  ...(task.KillTimeout < 0 ? ["KillTimeout must be a positive value"] : []),
  ...asOne(resourceFaults(task)),
  ...asOne(logFaults(group, task)),
  ...constraintFaults(task.Constraints),
  ...(task.Templates ?? []).flatMap((template, index) => templateFaults(task.Templates ?? [], template, index)),
  ...mountFaults(group, task)
]

const resourceFaults = (task: Task): ReadonlyArray<string> => {
  const { CPU, MemoryMB, MemoryMaxMB } = task.Resources
  return [
    ...asOne([
      ...(CPU < 1 ? [`minimum CPU value is 1; got ${CPU}`] : []),
      ...(MemoryMB < 10 ? [`minimum MemoryMB value is 10; got ${MemoryMB}`] : [])
    ]),
    ...(MemoryMaxMB > 0 && MemoryMaxMB < MemoryMB
      ? [`MemoryMaxMB value (${MemoryMaxMB}) should be larger than MemoryMB value (${MemoryMB})`]
      : [])
  ]
}

const logFaults = (group: TaskGroup, task: Task): ReadonlyArray<string> => {
  const { MaxFiles, MaxFileSizeMB } = task.LogConfig
  const size = MaxFiles * MaxFileSizeMB
  return [
    ...(MaxFiles < 1 ? [`minimum number of files is 1; got ${MaxFiles}`] : []),
    ...(MaxFileSizeMB < 1 ? [`minimum file size is 1MB; got ${MaxFileSizeMB}`] : []),
    ...(size > group.EphemeralDisk.SizeMB
      ? [`log storage (${size} MB) must be less than requested disk capacity (${group.EphemeralDisk.SizeMB} MB)`]
      : [])
  ]
}

const templateFaults = (all: ReadonlyArray<Template>, template: Template, index: number): ReadonlyArray<string> => {
  const faults: Array<string> = []
  if (template.EmbeddedTmpl === "") faults.push("Must specify a source path or have an embedded template")
  if (template.DestPath === "") faults.push("Must specify a destination for the template")
  if (escapes(template.DestPath)) faults.push("destination escapes allocation directory")
  if (!["noop", "restart", "signal", "script"].includes(template.ChangeMode)) {
    faults.push("Invalid change mode. Must be one of the following: noop, signal, script, restart")
  }
  if (template.ChangeMode === "signal" && template.Envvars) {
    faults.push("cannot use signals with env var templates")
  }
  if (!/^[0-7]{0,4}$/.test(template.Perms)) {
    faults.push(
      `Failed to parse ${quoted(template.Perms)} as octal: strconv.ParseUint: parsing ${quoted(template.Perms)}: invalid syntax`
    )
  }
  const first = all.findIndex((other) => other.DestPath === template.DestPath)
  return [
    ...nested(`Template ${index + 1} validation failed`, faults),
    ...(first < index ? [`Template ${index + 1} has same destination as ${first + 1}`] : [])
  ]
}

/** A destination is below the task's folder, whose parent is the allocation's. */
const escapes = (path: string): boolean => {
  let depth = 1
  for (const part of path.split("/")) {
    if (part === "..") depth -= 1
    else if (part !== "" && part !== ".") depth += 1
    if (depth < 0) return true
  }
  return false
}

const mountFaults = (group: TaskGroup, task: Task): ReadonlyArray<string> =>
  (task.VolumeMounts ?? []).flatMap((mount, index) =>
    Object.hasOwn(group.Volumes ?? {}, mount.Volume)
      ? []
      : [`Volume Mount (${index}) references undefined volume ${mount.Volume}`]
  )
