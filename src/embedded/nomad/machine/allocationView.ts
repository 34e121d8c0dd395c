import type { Task, TaskGroup } from "./JobSpec.ts"
import type { Allocation } from "./NomadState.ts"

/** An allocation as `GET /v1/allocation/<id>` shows it. Events carry the same without the job. */
export const allocationView = (allocation: Allocation) => {
  const group = groupOf(allocation)
  const tasks = group?.Tasks ?? []
  const disk = group?.EphemeralDisk.SizeMB ?? 0
  const { DesiredDescription, Migrate, PreviousAllocation, NextAllocation, TaskStates, ClientDescription, ...rest } =
    allocation
  return {
    ...rest,
    ...present("DesiredDescription", DesiredDescription),
    ...present("ClientDescription", ClientDescription),
    ...present("PreviousAllocation", PreviousAllocation),
    ...present("NextAllocation", NextAllocation),
    ...(TaskStates === null ? {} : { TaskStates, NetworkStatus: noNetwork }),
    DesiredTransition: Migrate ? { Migrate: true } : {},
    AllocatedResources: allocatedResources(tasks, disk),
    Resources: {
      ...noResources,
      CPU: sum(tasks, (task) => task.Resources.CPU),
      MemoryMB: sum(tasks, (task) => task.Resources.MemoryMB),
      MemoryMaxMB: sum(tasks, (task) => Math.max(task.Resources.MemoryMB, task.Resources.MemoryMaxMB)),
      DiskMB: disk
    },
    SharedResources: { ...noResources, DiskMB: disk },
    TaskResources: Object.fromEntries(tasks.map((task) => [task.Name, task.Resources]))
  }
}

/** An allocation as lists show it. `resources` adds what `?resources=true` asks for. */
export const allocationStub = (allocation: Allocation, resources: boolean) => {
  const group = groupOf(allocation)
  return {
    ID: allocation.ID,
    EvalID: allocation.EvalID,
    Name: allocation.Name,
    Namespace: allocation.Namespace,
    NodeID: allocation.NodeID,
    NodeName: allocation.NodeName,
    JobID: allocation.JobID,
    JobType: allocation.Job.Type,
    JobVersion: allocation.Job.Version,
    TaskGroup: allocation.TaskGroup,
    ...(resources
      ? { AllocatedResources: allocatedResources(group?.Tasks ?? [], group?.EphemeralDisk.SizeMB ?? 0) }
      : {}),
    DesiredStatus: allocation.DesiredStatus,
    DesiredDescription: allocation.DesiredDescription,
    ClientStatus: allocation.ClientStatus,
    ClientDescription: allocation.ClientDescription,
    DesiredTransition: {
      ForceReschedule: null,
      Migrate: allocation.Migrate ? true : null,
      NoShutdownDelay: null,
      Reschedule: null
    },
    TaskStates: allocation.TaskStates,
    DeploymentStatus: null,
    FollowupEvalID: "",
    NextAllocation: allocation.NextAllocation,
    RescheduleTracker: null,
    PreemptedAllocations: null,
    PreemptedByAllocation: "",
    CreateIndex: allocation.CreateIndex,
    ModifyIndex: allocation.ModifyIndex,
    CreateTime: allocation.CreateTime,
    ModifyTime: allocation.ModifyTime
  }
}

export const groupOf = (allocation: Allocation): TaskGroup | undefined =>
  (allocation.Job.TaskGroups ?? []).find((group) => group.Name === allocation.TaskGroup)

const present = (key: string, value: string): Readonly<Record<string, string>> => (value === "" ? {} : { [key]: value })

const sum = (tasks: ReadonlyArray<Task>, of: (task: Task) => number): number =>
  tasks.reduce((total, task) => total + of(task), 0)

const allocatedResources = (tasks: ReadonlyArray<Task>, disk: number) => ({
  Shared: { DiskMB: disk, Networks: null, Ports: null },
  TaskLifecycles: Object.fromEntries(tasks.map((task) => [task.Name, null])),
  Tasks: Object.fromEntries(
    tasks.map((task) => [
      task.Name,
      {
        Cpu: { CpuShares: task.Resources.CPU, ReservedCores: null },
        Devices: null,
        Memory: { MemoryMB: task.Resources.MemoryMB, MemoryMaxMB: task.Resources.MemoryMaxMB },
        Networks: null
      }
    ])
  )
})

const noNetwork = { Address: "", AddressIPv6: "", DNS: null, InterfaceName: "" }

const noResources = {
  CPU: 0,
  Cores: 0,
  Devices: null,
  DiskMB: 0,
  IOPS: 0,
  MemoryMB: 0,
  MemoryMaxMB: 0,
  NUMA: null,
  Networks: null,
  SecretsMB: 0
}
