import { HashMap, Option } from "effect"
import { groupOf } from "./allocationView.ts"
import type { Job, Task, TaskGroup } from "./JobSpec.ts"
import {
  type Allocation,
  allocationsOfJob,
  isClientTerminal,
  isTerminal,
  type NomadState,
  type StoredJob
} from "./NomadState.ts"

/** What an evaluation wants changed about one job's allocations. */
export interface Wishes {
  readonly stop: ReadonlyArray<{
    readonly allocation: Allocation
    readonly description: string
    readonly lost: boolean
  }>
  /** Allocations whose node is away and whose group says that nothing replaces them. */
  readonly unknown: ReadonlyArray<Allocation>
  /** Allocations that keep running under a newer version of the job. */
  readonly inPlace: ReadonlyArray<Allocation>
  readonly place: ReadonlyArray<Wanted>
}

export interface Wanted {
  readonly group: TaskGroup
  readonly name: string
  readonly previous: Allocation | undefined
}

/** Nomad's own descriptions of why an allocation stops. */
const reasons = {
  notNeeded: "alloc not needed due to job update",
  migrating: "alloc is being migrated",
  updating: "alloc is being updated due to job update",
  lost: "alloc is lost since its node is down"
}

/**
 * Compares what a batch job asks for with the allocations it has, as Nomad's generic scheduler does: a finished
 * instance of the present version isn't run again, whether it succeeded or failed, a lost or stopped one is.
 */
export const reconcileJob = (state: NomadState, jobId: string): Wishes => {
  const job = Option.getOrUndefined(HashMap.get(state.jobs, jobId))
  const allocations = allocationsOfJob(state, jobId).toSorted((a, b) => b.CreateIndex - a.CreateIndex)
  const unheard = stoppedUnheard(state, allocations)
  if (job === undefined || job.Stop) {
    const running = allocations.filter((allocation) => !isTerminal(allocation))
    return {
      stop: [
        ...unheard.stop,
        ...running.map((allocation) => ({
          allocation,
          description: reasons.notNeeded,
          lost: isAway(state, allocation)
        }))
      ],
      unknown: [],
      inPlace: [],
      place: []
    }
  }
  return merge([
    unheard,
    ofRemovedGroups(job, allocations),
    ...(job.TaskGroups ?? []).map((group) => ofGroup(state, job, group, allocations))
  ])
}

/** Whether a changed job means a new task: Nomad's list of what can't change under a running one. */
export const needsNewTask = (older: Job, newer: Job, name: string): boolean => {
  const [a, b] = [older, newer].map((job) => {
    const group = (job.TaskGroups ?? []).find((candidate) => candidate.Name === name)
    return group === undefined ? undefined : JSON.stringify([job.Meta, group.Meta, runningPart(group)])
  })
  return a !== b
}

const runningPart = (group: TaskGroup): unknown => [group.EphemeralDisk, group.Volumes, group.Tasks?.map(runningTask)]

const runningTask = (task: Task): unknown => ({
  ...task,
  Constraints: null,
  KillTimeout: 0,
  LogConfig: null,
  RestartPolicy: null
})

const merge = (parts: ReadonlyArray<Wishes>): Wishes => ({
  stop: parts.flatMap((part) => part.stop),
  unknown: parts.flatMap((part) => part.unknown),
  inPlace: parts.flatMap((part) => part.inPlace),
  place: parts.flatMap((part) => part.place)
})

/** Told to stop, on a node that went down before it said that they have. */
const stoppedUnheard = (state: NomadState, allocations: ReadonlyArray<Allocation>): Wishes => ({
  stop: allocations
    .filter(
      (allocation) =>
        allocation.DesiredStatus !== "run" &&
        (allocation.ClientStatus === "running" || allocation.ClientStatus === "pending") &&
        isAway(state, allocation)
    )
    .map((allocation) => ({ allocation, description: reasons.lost, lost: true })),
  unknown: [],
  inPlace: [],
  place: []
})

const ofRemovedGroups = (job: StoredJob, allocations: ReadonlyArray<Allocation>): Wishes => ({
  stop: allocations
    .filter(
      (allocation) =>
        !isTerminal(allocation) && !(job.TaskGroups ?? []).some((group) => group.Name === allocation.TaskGroup)
    )
    .map((allocation) => ({ allocation, description: reasons.notNeeded, lost: false })),
  unknown: [],
  inPlace: [],
  place: []
})

const ofGroup = (
  state: NomadState,
  job: StoredJob,
  group: TaskGroup,
  allocations: ReadonlyArray<Allocation>
): Wishes => {
  const wishes = { stop: [...noStops], unknown: [...noAllocations], inPlace: [...noAllocations], place: [...noPlaces] }
  const names = Array.from({ length: group.Count }, (_, index) => `${job.ID}.${group.Name}[${index}]`)
  const ofThisGroup = allocations.filter((allocation) => allocation.TaskGroup === group.Name)
  for (const name of names) {
    const instances = ofThisGroup.filter((allocation) => allocation.Name === name)
    // Nomad doesn't count one whose node has just gone: another is placed beside it, though it is not to be replaced.
    const leaving = instances.filter((allocation) => isLeaving(state, job, allocation))
    wishes.unknown.push(...leaving)
    const others = instances.filter((allocation) => !leaving.includes(allocation))
    const keeper = others.find((allocation) => holds(state, job, allocation))
    const live = others.filter((allocation) => !isTerminal(allocation))
    for (const allocation of live) {
      if (allocation !== keeper) wishes.stop.push(stopped(state, job, allocation))
      else if (isOutdated(state, job, allocation)) wishes.inPlace.push(allocation)
    }
    if (keeper === undefined) wishes.place.push({ group, name, previous: replaced(others) })
  }
  for (const allocation of ofThisGroup) {
    if (!isTerminal(allocation) && !names.includes(allocation.Name)) {
      wishes.stop.push({ allocation, description: reasons.notNeeded, lost: false })
    }
  }
  return wishes
}

const noStops: Wishes["stop"] = []
const noAllocations: ReadonlyArray<Allocation> = []
const noPlaces: ReadonlyArray<Wanted> = []

const isOutdated = (state: NomadState, job: StoredJob, allocation: Allocation): boolean =>
  !isAway(state, allocation) && allocation.Job.JobModifyIndex !== job.JobModifyIndex

const stopped = (state: NomadState, job: StoredJob, allocation: Allocation): Wishes["stop"][number] => {
  if (isAway(state, allocation)) return { allocation, description: reasons.lost, lost: true }
  if (allocation.Migrate) return { allocation, description: reasons.migrating, lost: false }
  const outdated = needsNewTask(allocation.Job, job, allocation.TaskGroup)
  return { allocation, description: outdated ? reasons.updating : reasons.notNeeded, lost: false }
}

/** The instance that the new one follows, so that its history can be walked: one that is given up by the same decision. */
const replaced = (instances: ReadonlyArray<Allocation>): Allocation | undefined =>
  instances.find((allocation) => allocation.NextAllocation === "" && !isClientTerminal(allocation))

/** This allocation is the instance that the job asks for, running or done. */
const holds = (state: NomadState, job: StoredJob, allocation: Allocation): boolean => {
  if (isTerminal(allocation)) {
    const older = allocation.Job.CreateIndex < job.CreateIndex || allocation.Job.Version < job.Version
    return !older && allocation.DesiredStatus === "run" && allocation.ClientStatus !== "lost"
  }
  if (allocation.Migrate || needsNewTask(allocation.Job, job, allocation.TaskGroup)) return false
  return !isAway(state, allocation) || (staysUnreplaced(allocation) && allocation.ClientStatus !== "pending")
}

/** Ran on a node that is away, and is to be left as it is: from now on nobody knows what it does. */
const isLeaving = (state: NomadState, job: StoredJob, allocation: Allocation): boolean =>
  allocation.ClientStatus === "running" && isAway(state, allocation) && holds(state, job, allocation)

/** `disconnect { replace = false }` covers what runs; what never began is lost all the same. */
const staysUnreplaced = (allocation: Allocation): boolean => groupOf(allocation)?.Disconnect?.Replace === false

const isAway = (state: NomadState, allocation: Allocation): boolean =>
  Option.match(HashMap.get(state.nodes, allocation.NodeID), {
    onNone: () => true,
    onSome: (node) => node.Status === "down"
  })
