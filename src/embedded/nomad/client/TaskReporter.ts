import { Clock, Effect } from "effect"
import type { Allocation } from "../machine/NomadState.ts"
import { at, pendingTask, type TaskState, type UntimedEvent, withEvent } from "../machine/TaskEvent.ts"
import type { AllocationUpdates } from "./AllocationUpdates.ts"

/** What is known of one task, and how the servers hear of it. */
export class TaskReporter {
  private state: TaskState = pendingTask
  private readonly updates: AllocationUpdates
  private readonly allocationId: string
  private readonly taskName: string

  constructor(updates: AllocationUpdates, allocationId: string, taskName: string, known?: TaskState) {
    this.updates = updates
    this.allocationId = allocationId
    this.taskName = taskName
    if (known !== undefined) this.state = known
  }

  /** Notes an event, and what else it changes, without telling it yet. */
  note(event: UntimedEvent, changes: Partial<TaskState> = {}): Effect.Effect<void> {
    return Effect.map(Clock.currentTimeMillis, (now) => {
      this.state = withEvent({ ...this.state, ...changes }, at(event, now * 1e6))
    })
  }

  get running(): Effect.Effect<void> {
    return Effect.flatMap(Clock.currentTimeMillis, (now) => {
      this.state = { ...this.state, State: "running", StartedAt: rfc3339(now) }
      return this.stillRunning
    })
  }

  get pending(): Effect.Effect<void> {
    return this.tell("soon", "pending", "No tasks have started")
  }

  get stillRunning(): Effect.Effect<void> {
    return this.tell("soon", "running", "Tasks are running")
  }

  get complete(): Effect.Effect<void> {
    return Effect.zipRight(this.end(false), this.tell("now", "complete", "All tasks have completed"))
  }

  get failed(): Effect.Effect<void> {
    return Effect.zipRight(this.end(true), this.tell("now", "failed", "Failed tasks"))
  }

  private end(failed: boolean): Effect.Effect<void> {
    return Effect.map(Clock.currentTimeMillis, (now) => {
      this.state = { ...this.state, State: "dead", Failed: failed, FinishedAt: rfc3339(now) }
    })
  }

  private tell(
    when: "soon" | "now",
    clientStatus: Allocation["ClientStatus"],
    clientDescription: string
  ): Effect.Effect<void> {
    return Effect.suspend(() =>
      this.updates[when]({
        id: this.allocationId,
        clientStatus,
        clientDescription,
        taskStates: { [this.taskName]: this.state }
      })
    )
  }
}

const rfc3339 = (milliseconds: number): string => new Date(milliseconds).toISOString()
