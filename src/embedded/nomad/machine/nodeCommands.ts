import { HashMap, Option } from "effect"
import type { Draft } from "./Draft.ts"
import { evaluate } from "./evaluate.ts"
import type { Command, Reply } from "./NomadCommand.ts"
import { liveAllocationsOfNode, type NomadNode } from "./NomadState.ts"

type NodeCommand = Extract<
  Command,
  { readonly _tag: "UpsertNode" | "SetNodeStatus" | "SetNodeEligibility" | "DrainNode" }
>

/** Registration, heartbeats and operators' wishes about a client. */
export const updateNode = (draft: Draft, command: NodeCommand): Reply => {
  const id = command._tag === "UpsertNode" ? command.node.ID : command.id
  const existing = Option.getOrUndefined(HashMap.get(draft.state.nodes, id))
  if (existing === undefined && command._tag !== "UpsertNode") return { _tag: "Missing", text: "node not found" }
  const index = draft.advance()
  const node = changed(existing, command, index)
  if (node === undefined) return { _tag: "Done", index }
  draft.putNode(node, eventOf(command))
  if (command._tag === "DrainNode" && command.drain) {
    markForMigration(draft, node.ID)
    evaluateJobsOf(draft, node, "node-drain")
  } else if (existing !== undefined && existing.Status !== node.Status) evaluateJobsOf(draft, node, "node-update")
  if (node.Status === "ready" && node.SchedulingEligibility === "eligible") draft.freed = true
  return { _tag: "Done", index }
}

const changed = (existing: NomadNode | undefined, command: NodeCommand, ModifyIndex: number): NomadNode | undefined => {
  if (command._tag === "UpsertNode") return registered(existing, command.node, ModifyIndex)
  if (existing === undefined) return undefined
  switch (command._tag) {
    case "SetNodeStatus":
      return { ...existing, Status: command.status, ModifyIndex }
    case "SetNodeEligibility":
      return { ...existing, SchedulingEligibility: command.eligible ? "eligible" : "ineligible", ModifyIndex }
    case "DrainNode":
      return {
        ...existing,
        Drain: command.drain,
        SchedulingEligibility: command.drain ? "ineligible" : existing.SchedulingEligibility,
        ModifyIndex
      }
  }
}

/** A node that registers is ready, and keeps what operators decided about it. */
const registered = (
  existing: NomadNode | undefined,
  node: Extract<NodeCommand, { readonly _tag: "UpsertNode" }>["node"],
  ModifyIndex: number
): NomadNode => ({
  ...node,
  Status: "ready",
  SchedulingEligibility: existing?.SchedulingEligibility ?? "eligible",
  Drain: existing?.Drain ?? false,
  CreateIndex: existing?.CreateIndex ?? ModifyIndex,
  ModifyIndex
})

const eventOf = (command: NodeCommand): string => {
  switch (command._tag) {
    case "UpsertNode":
      return "NodeRegistration"
    case "SetNodeStatus":
      return "NodeEvent"
    case "SetNodeEligibility":
      return "NodeEligibility"
    case "DrainNode":
      return "NodeDrain"
  }
}

const markForMigration = (draft: Draft, nodeId: string): void => {
  for (const allocation of liveAllocationsOfNode(draft.state, nodeId)) {
    draft.putAllocation({ ...allocation, Migrate: true, ModifyIndex: draft.index }, "AllocationUpdateDesiredStatus")
  }
}

/** One evaluation for each job that has something on the node. */
const evaluateJobsOf = (draft: Draft, node: NomadNode, TriggeredBy: string): void => {
  const jobIds = new Set(liveAllocationsOfNode(draft.state, node.ID).map((allocation) => allocation.JobID))
  for (const JobID of [...jobIds].toSorted()) {
    const index = draft.advance()
    const job = Option.getOrUndefined(HashMap.get(draft.state.jobs, JobID))
    const evaluation = {
      ID: draft.newId(),
      Namespace: "default",
      Priority: job?.Priority ?? 50,
      Type: job?.Type ?? "batch",
      TriggeredBy,
      JobID,
      NodeID: node.ID,
      NodeModifyIndex: node.ModifyIndex,
      Status: "pending" as const,
      CreateIndex: index,
      ModifyIndex: index,
      CreateTime: draft.now,
      ModifyTime: draft.now
    }
    draft.putEvaluation(evaluation, "NodeUpdate")
    evaluate(draft, evaluation)
  }
}
