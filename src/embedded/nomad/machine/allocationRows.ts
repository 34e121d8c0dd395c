import { HashMap, Option } from "effect"
import { groupOf } from "./allocationView.ts"
import { exclude, include } from "./IdIndex.ts"
import { type Allocation, isClientTerminal, isTerminal, type NomadState } from "./NomadState.ts"
import { demandOf, minus, nothing, plus, type Resources } from "./Resources.ts"

/** The state with this allocation written, and all that is kept of it by job and node. */
export const withAllocation = (state: NomadState, allocation: Allocation): NomadState => ({
  ...state,
  allocations: HashMap.set(state.allocations, allocation.ID, allocation),
  allocationsOfJob: include(state.allocationsOfJob, allocation.JobID, allocation.ID),
  allocationsOfNode: include(state.allocationsOfNode, allocation.NodeID, allocation.ID),
  liveAllocationsOfNode: (isClientTerminal(allocation) ? exclude : include)(
    state.liveAllocationsOfNode,
    allocation.NodeID,
    allocation.ID
  ),
  usedOfNode: used(state, allocation, taken(allocation))
})

/** The same without it. */
export const withoutAllocation = (state: NomadState, allocation: Allocation): NomadState => ({
  ...state,
  allocations: HashMap.remove(state.allocations, allocation.ID),
  allocationsOfJob: exclude(state.allocationsOfJob, allocation.JobID, allocation.ID),
  allocationsOfNode: exclude(state.allocationsOfNode, allocation.NodeID, allocation.ID),
  liveAllocationsOfNode: exclude(state.liveAllocationsOfNode, allocation.NodeID, allocation.ID),
  usedOfNode: used(state, allocation, nothing)
})

/** An allocation stays on its node. */
const used = (state: NomadState, { ID, NodeID }: Allocation, now: Resources): NomadState["usedOfNode"] => {
  const before = Option.match(HashMap.get(state.allocations, ID), { onNone: () => nothing, onSome: taken })
  const all = Option.getOrElse(HashMap.get(state.usedOfNode, NodeID), () => nothing)
  return HashMap.set(state.usedOfNode, NodeID, plus(minus(all, before), now))
}

/** What it keeps from others: nothing once it has stopped, or is to. */
const taken = (allocation: Allocation): Resources => {
  const group = isTerminal(allocation) ? undefined : groupOf(allocation)
  return group === undefined ? nothing : demandOf(group)
}
