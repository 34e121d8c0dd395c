import { Array as Arr } from "effect"
import type { Allocations, StepAllocations } from "../api/Allocations.ts"
import { wireTime } from "../api/WireTime.ts"
import type { Attempt, Status } from "../domain/Status.ts"

/**
 * What Nomad ran for a job, as far as its status tells: the newest attempt of each step. Nomad isn't asked, since it
 * forgets, and a reading must not cost it anything.
 */
export const allocationsOf = ({ attempts }: Pick<Status, "attempts">): Allocations => {
  const build = newest(attempts.filter(({ phase }) => phase === "build"))
  const publish = newest(attempts.filter(({ phase }) => phase === "publish"))
  const tests = Arr.groupBy(
    attempts.filter(({ phase }) => phase === "test"),
    ({ test }) => (test?.kind === "command" ? `command ${test.index}` : "entry point")
  )
  return {
    ...(build === undefined ? {} : { build: step("build", build) }),
    test: Object.values(tests).flatMap((tries) => {
      const last = newest(tries)
      return last === undefined ? [] : [step("test", last)]
    }),
    ...(publish === undefined ? {} : { publish: step("publish", publish) }),
    // A step has one allocation: its attempts are jobs of their own, so that none is ever one too many.
    has_any_warning: false
  }
}

const newest = (attempts: ReadonlyArray<Attempt>): Attempt | undefined =>
  attempts.toSorted((one, other) => one.attempt - other.attempt).at(-1)

const step = (phase: StepAllocations["phase"], attempt: Attempt): StepAllocations => {
  const allocations = allocationOf(attempt)
  return {
    phase,
    nomad_job_id: attempt.nomad_job_id,
    allocation_count: allocations.length,
    allocations,
    has_warning: false
  }
}

const allocationOf = (attempt: Attempt): StepAllocations["allocations"] => {
  const { allocation_id: id, finished_at, intended_at, node, node_id, outcome, started_at } = attempt
  if (id === undefined) return []
  return [
    {
      id: id.slice(0, 8),
      full_id: id,
      client_status: clientStatus(attempt),
      desired_status: attempt.stop === undefined && outcome?.result !== "stopped" ? "run" : "stop",
      node_id: node_id ?? "",
      node_name: node ?? "",
      created_at: wireTime(intended_at),
      modified_at: wireTime(outcome?.at ?? finished_at ?? started_at ?? intended_at),
      ...failureOf(attempt)
    }
  ]
}

const clientStatus = ({ outcome, started_at }: Attempt): "pending" | "running" | "complete" | "failed" => {
  if (outcome === undefined) return started_at === undefined ? "pending" : "running"
  return outcome.result === "failed" ? "failed" : "complete"
}

const failureOf = ({ outcome }: Attempt): Partial<StepAllocations["allocations"][number]> => {
  if (outcome === undefined || outcome.result !== "failed") return {}
  const { message, reason } = outcome
  return {
    failed_reason: `${reason}: ${message}`,
    // All that the service has run in a step is its one main task.
    task_states: { main: { state: "dead", failed: true, last_event: reason, last_message: message } }
  }
}
