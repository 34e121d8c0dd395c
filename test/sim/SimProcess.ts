import { type Cause, Clock, Duration, Effect, type Scheduler } from "effect"
import type { Timeline } from "./Timeline.ts"

/**
 * One operating-system process, as far as the outside can tell: its fibers run on a scheduler and a clock of its own,
 * so that it can be stopped in its tracks, for a while or for ever, without any of its finalizers running.
 */
export class SimProcess implements Scheduler.Scheduler {
  readonly name: string
  readonly clock: Clock.Clock
  private readonly tasks: Array<() => void> = []
  /** Answers and timers that wait for it to go on. */
  private held: Array<() => void> = []
  private state: "running" | "paused" | "dead" = "running"
  private taken = 0

  constructor(timeline: Timeline, name: string) {
    this.name = name
    this.clock = clockOf(timeline, this)
  }

  get isDead(): boolean {
    return this.state === "dead"
  }

  /** Steps that Effect's run loop has taken for its fibers: what they cost, whatever the machine. */
  get steps(): number {
    return this.taken
  }

  /** What is to run for ever: `ended` hears why it didn't. */
  start(effect: Effect.Effect<never>, ended: (cause: Cause.Cause<never>) => void): void {
    this.deliver(() => {
      Effect.runFork(Effect.withClock(effect, this.clock), { scheduler: this }).addObserver((exit) => {
        if (exit._tag === "Failure") ended(exit.cause)
      })
    })
  }

  /** Something from outside: an answer, a notification, a timer that is up. */
  deliver(run: () => void): void {
    if (this.state === "dead") return
    if (this.state === "paused") this.held.push(run)
    else this.tasks.push(run)
  }

  /** Runs all its fibers until each of them waits for something. */
  drain(): void {
    let done = 0
    while (this.state === "running" && done < this.tasks.length) {
      this.tasks[done]?.()
      done += 1
    }
    this.tasks.splice(0, done)
  }

  /** Ends it as `kill -9` does. */
  kill(): void {
    this.state = "dead"
    this.tasks.length = 0
    this.held = []
  }

  /** As SIGSTOP does: connections stay open, timers run out unheard. */
  pause(): void {
    if (this.state === "running") this.state = "paused"
  }

  resume(): void {
    if (this.state !== "paused") return
    this.state = "running"
    for (const run of this.held.splice(0)) this.tasks.push(run)
  }

  /** Asked at each step. All tasks end by themselves quickly; another order than theirs isn't needed to find races. */
  shouldYield(): false {
    this.taken += 1
    return false
  }

  scheduleTask(task: () => void): void {
    if (this.state !== "dead") this.tasks.push(task)
  }
}

const clockOf = (timeline: Timeline, process: SimProcess): Clock.Clock => ({
  [Clock.ClockTypeId]: Clock.ClockTypeId,
  unsafeCurrentTimeMillis: () => timeline.now,
  unsafeCurrentTimeNanos: () => BigInt(Math.round(timeline.now * 1e6)),
  currentTimeMillis: Effect.sync(() => timeline.now),
  currentTimeNanos: Effect.sync(() => BigInt(Math.round(timeline.now * 1e6))),
  sleep: (duration) =>
    Effect.async((resume) => {
      const cancel = timeline.after(Duration.toMillis(duration), () => process.deliver(() => resume(Effect.void)))
      return Effect.sync(cancel)
    })
})
