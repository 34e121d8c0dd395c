import type { ResolvedJob } from "./resolve.ts"
import { addEvent } from "./run.ts"
import { Action, type Snapshot } from "./Snapshot.ts"
import type { Attempt, Status } from "./Status.ts"

/** A status on its way to the next one, with what is to be done about it. */
export interface Step {
  readonly status: Status
  /** How the run before ended, if this is the first status of another. */
  readonly ended?: Status
  readonly actions: ReadonlyArray<Action>
  /** Instants, in milliseconds since the epoch, at which something is due. */
  readonly due: ReadonlyArray<number>
}

/** What every part of one pass over a run looks at. */
export interface Context {
  readonly snapshot: Snapshot
  readonly jobId: string
  readonly job: ResolvedJob
}

/** Intends further children, and has them registered once that is written. */
export const start = (step: Step, attempts: ReadonlyArray<Attempt>): Step => ({
  ...step,
  status: { ...step.status, attempts: [...step.status.attempts, ...attempts] },
  actions: [...step.actions, ...attempts.map((attempt) => Action.Register({ attempt }))]
})

export const note = (status: Status, now: number, reason: string, message: string): Status => ({
  ...status,
  events: addEvent(status.events, now, reason, message)
})
