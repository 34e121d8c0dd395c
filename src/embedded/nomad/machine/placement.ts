import { HashMap, Option } from "effect"
import { constraintText, meetsConstraint } from "./constraints.ts"
import type { Job, TaskGroup } from "./JobSpec.ts"
import type { Metrics, NomadNode, NomadState } from "./NomadState.ts"
import { demandOf, nothing, plus } from "./Resources.ts"

export type Placement =
  | { readonly _tag: "Placed"; readonly node: NomadNode; readonly metrics: Metrics }
  | { readonly _tag: "Unplaced"; readonly metrics: Metrics }

/** Finds the node for one more instance of a group: the one that it fills best, the lowest id among equals. */
export const place = (state: NomadState, job: Job, group: TaskGroup): Placement => {
  const candidates = [...HashMap.values(state.nodes)]
    .filter((node) => node.Status === "ready" && node.SchedulingEligibility === "eligible")
    .toSorted((a, b) => (a.ID < b.ID ? -1 : 1))
  const inPool = candidates.filter((node) => job.NodePool === "all" || node.NodePool === job.NodePool)
  const inDatacenter = inPool.filter((node) =>
    (job.Datacenters ?? []).some((glob) => matchesGlob(glob, node.Datacenter))
  )
  const filtered: Record<string, number> = {}
  const exhausted: Record<string, number> = {}
  const fitting: Array<{ readonly node: NomadNode; readonly score: number }> = []
  for (const node of inDatacenter) {
    const reason = infeasible(node, job, group)
    if (reason !== undefined) {
      count(filtered, reason)
      continue
    }
    const fit = fits(state, node, group)
    if (typeof fit === "string") count(exhausted, fit)
    else fitting.push({ node, score: fit })
  }
  const metrics: Metrics = {
    ...noMetrics,
    NodePool: job.NodePool,
    NodesInPool: inDatacenter.length,
    NodesAvailable: available(inDatacenter),
    NodesEvaluated: inDatacenter.length,
    NodesFiltered: total(filtered),
    NodesExhausted: total(exhausted),
    ConstraintFiltered: total(filtered) === 0 ? null : filtered,
    DimensionExhausted: total(exhausted) === 0 ? null : exhausted,
    ResourcesExhausted: total(exhausted) === 0 ? null : wanted(group),
    ScoreMetaData: fitting.length === 0 ? null : fitting.map(scored)
  }
  const best = fitting.toSorted((a, b) => b.score - a.score)[0]
  return best === undefined ? { _tag: "Unplaced", metrics } : { _tag: "Placed", node: best.node, metrics }
}

const noMetrics: Metrics = {
  AllocationTime: 0,
  ClassExhausted: null,
  ClassFiltered: null,
  CoalescedFailures: 0,
  ConstraintFiltered: null,
  DimensionExhausted: null,
  NodePool: "default",
  NodesAvailable: {},
  NodesEvaluated: 0,
  NodesExhausted: 0,
  NodesFiltered: 0,
  NodesInPool: 0,
  QuotaExhausted: null,
  ResourcesExhausted: null,
  ScoreMetaData: null,
  Scores: null
}

/** Datacenters may be named by globs, where `*` stands for any text. */
const matchesGlob = (glob: string, datacenter: string): boolean =>
  new RegExp(
    `^${glob
      .split("*")
      .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"))
      .join(".*")}$`
  ).test(datacenter)

const available = (nodes: ReadonlyArray<NomadNode>): Readonly<Record<string, number>> => {
  const counts: Record<string, number> = {}
  for (const node of nodes) count(counts, node.Datacenter)
  return counts
}

const count = (counts: Record<string, number>, key: string): void => {
  counts[key] = (counts[key] ?? 0) + 1
}

const total = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((sum, value) => sum + value, 0)

/** Why the node can never run the group, in the scheduler's words; checked in its order. */
const infeasible = (node: NomadNode, job: Job, group: TaskGroup): string | undefined => {
  const tasks = group.Tasks ?? []
  const unmetByJob = (job.Constraints ?? []).find((constraint) => !meetsConstraint(node, constraint))
  if (unmetByJob !== undefined) return constraintText(unmetByJob)
  if (tasks.some((task) => !node.Drivers.includes(task.Driver))) return "missing drivers"
  const constraints = [...(group.Constraints ?? []), ...tasks.flatMap((task) => task.Constraints ?? [])]
  const unmet = constraints.find((constraint) => !meetsConstraint(node, constraint))
  if (unmet !== undefined) return constraintText(unmet)
  if (!hasVolumes(node, group)) return "missing compatible host volumes"
  return hasDevices(node, group) ? undefined : "missing devices"
}

const hasVolumes = (node: NomadNode, group: TaskGroup): boolean =>
  Object.values(group.Volumes ?? {}).every((volume) => {
    const offered = Object.hasOwn(node.HostVolumes, volume.Source) ? node.HostVolumes[volume.Source] : undefined
    return offered !== undefined && (volume.ReadOnly || !offered.ReadOnly)
  })

/** A device is asked for as `type`, `vendor/type` or `vendor/type/name`. */
const hasDevices = (node: NomadNode, group: TaskGroup): boolean =>
  (group.Tasks ?? [])
    .flatMap((task) => task.Resources.Devices ?? [])
    .every((request) =>
      node.Devices.some(
        (device) =>
          device.Count >= request.Count &&
          [device.Type, `${device.Vendor}/${device.Type}`, `${device.Vendor}/${device.Type}/${device.Name}`].includes(
            request.Name
          )
      )
    )

/** How full the node would be, or the first dimension that is exhausted. */
const fits = (state: NomadState, node: NomadNode, group: TaskGroup): number | string => {
  const used = plus(
    demandOf(group),
    Option.getOrElse(HashMap.get(state.usedOfNode, node.ID), () => nothing)
  )
  if (used.cpu > node.Cpu) return "cpu"
  if (used.memory > node.MemoryMB) return "memory"
  if (used.disk > node.DiskMB) return "disk"
  return (used.cpu / node.Cpu + used.memory / node.MemoryMB) / 2
}

const wanted = (group: TaskGroup): Readonly<Record<string, unknown>> =>
  Object.fromEntries((group.Tasks ?? []).map((task) => [task.Name, task.Resources]))

const scored = ({ node, score }: { readonly node: NomadNode; readonly score: number }) => ({
  NodeID: node.ID,
  NormScore: score,
  Scores: { binpack: score, "job-anti-affinity": 0, "node-affinity": 0, "node-reschedule-penalty": 0 }
})
