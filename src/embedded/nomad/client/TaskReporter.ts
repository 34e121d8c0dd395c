import { Clock, Effect, Schedule } from "effect"
import type { Allocation } from "../machine/NomadState.ts"
import { at, pendingTask, type TaskState, type UntimedEvent, withEvent } from "../machine/TaskEvent.ts"
import type { NomadEngine } from "../server/NomadEngine.ts"

/** What is known of one task, and how the servers hear of it. */
export class TaskReporter {
  private state: TaskState = pendingTask
  private readonly engine: NomadEngine
  private readonly allocationId: string
  private readonly taskName: string

  constructor(engine: NomadEngine, allocationId: string, taskName: string, known?: TaskState) {
    this.engine = engine
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
    return Effect.zipRight(
      Effect.map(Clock.currentTimeMillis, (now) => {
        this.state = { ...this.state, State: "running", StartedAt: rfc3339(now) }
      }),
      this.tell("running", "Tasks are running")
    )
  }

  get pending(): Effect.Effect<void> {
    return this.tell("pending", "No tasks have started")
  }

  get stillRunning(): Effect.Effect<void> {
    return this.tell("running", "Tasks are running")
  }

  get complete(): Effect.Effect<void> {
    return Effect.zipRight(this.end(false), this.tell("complete", "All tasks have completed"))
  }

  get failed(): Effect.Effect<void> {
    return Effect.zipRight(this.end(true), this.tell("failed", "Failed tasks"))
  }

  get hasStarted(): boolean {
    return this.state.StartedAt !== null
  }

  private end(failed: boolean): Effect.Effect<void> {
    return Effect.map(Clock.currentTimeMillis, (now) => {
      this.state = { ...this.state, State: "dead", Failed: failed, FinishedAt: rfc3339(now) }
    })
  }

  /** A disk that is full for a while must not lose the end of a task: it is told again until it is stored. */
  private tell(clientStatus: Allocation["ClientStatus"], clientDescription: string): Effect.Effect<void> {
    return Effect.try(() =>
      this.engine.execute({
        _tag: "UpdateAllocations",
        updates: [
          { id: this.allocationId, clientStatus, clientDescription, taskStates: { [this.taskName]: this.state } }
        ]
      })
    ).pipe(
      Effect.tapError((error) => Effect.logWarning("an allocation's state can't be stored", error)),
      Effect.retry(Schedule.spaced("1 second")),
      // The schedule never gives up.
      Effect.orDie,
      Effect.asVoid
    )
  }
}

const rfc3339 = (milliseconds: number): string => new Date(milliseconds).toISOString()
