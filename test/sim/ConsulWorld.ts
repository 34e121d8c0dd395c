import { applyCommand } from "../../src/embedded/consul/applyCommand.ts"
import type { ConsulCommand, ConsulReply } from "../../src/embedded/consul/ConsulCommand.ts"
import { type ConsulState, emptyState } from "../../src/embedded/consul/ConsulState.ts"
import { dueCommands, settleDue } from "../../src/embedded/consul/dueCommands.ts"
import { History } from "./History.ts"
import type { Timeline } from "./Timeline.ts"

/** What one command changed. */
export interface ConsulChange {
  readonly before: ConsulState
  readonly after: ConsulState
  readonly keys: ReadonlyArray<string>
}

interface Waiter {
  readonly index: (state: ConsulState) => number
  readonly beyond: number
  readonly wake: () => void
}

/** Consul's servers on virtual time: the embedded Consul's own state machine, with its past. */
export class ConsulWorld {
  private readonly timeline: Timeline
  private readonly history: History<ConsulState>
  private readonly waiters = new Set<Waiter>()
  private readonly observers: Array<(change: ConsulChange) => void> = []
  private dueAt = Number.POSITIVE_INFINITY

  /** `remembers`: older states are asked for. */
  constructor(timeline: Timeline, remembers: boolean) {
    this.timeline = timeline
    this.history = new History(timeline, emptyState, remembers)
    this.execute({ _tag: "NodeRegister", id: node.id, name: node.name, address: "127.0.0.1", version: "1.8.7" })
  }

  get state(): ConsulState {
    return this.history.current
  }

  /** The state of so many changes ago, as far back as a deposed leader could still show it. */
  seen(back: number): ConsulState {
    return this.history.seen(back)
  }

  /** How many changes back another answer was given, of those that can still be seen. */
  older(answer: (state: ConsulState) => unknown): ReadonlyArray<number> {
    return this.history.older(answer)
  }

  execute(command: ConsulCommand): ConsulReply {
    const before = this.state
    const applied = applyCommand(before, command, this.timeline.now)
    if (applied.state.index === before.index) this.history.amend(applied.state)
    else this.history.add(applied.state)
    if (applied.state.due < this.dueAt) this.schedule()
    if (applied.keys.length > 0) {
      for (const observe of this.observers) observe({ before, after: applied.state, keys: applied.keys })
    }
    if (applied.state.index !== before.index) this.wake()
    return applied.reply
  }

  /** Hears of every change of keys, at once. */
  observe(observer: (change: ConsulChange) => void): void {
    this.observers.push(observer)
  }

  /** Calls once when the index lies beyond; answers with how to give up. */
  wait(index: Waiter["index"], beyond: number, wake: () => void): () => void {
    const waiter = { index, beyond, wake }
    if (index(this.state) > beyond) {
      wake()
      return () => {}
    }
    this.waiters.add(waiter)
    return () => void this.waiters.delete(waiter)
  }

  private wake(): void {
    for (const waiter of this.waiters) {
      if (waiter.index(this.state) <= waiter.beyond) continue
      this.waiters.delete(waiter)
      waiter.wake()
    }
  }

  private schedule(): void {
    this.dueAt = this.state.due
    if (this.dueAt !== Number.POSITIVE_INFINITY) this.timeline.at(this.dueAt, () => this.applyDue())
  }

  private applyDue(): void {
    if (this.timeline.now < this.dueAt) return
    for (const command of dueCommands(this.state, this.timeline.now)) this.execute(command)
    this.history.amend(settleDue(this.state))
    this.schedule()
  }
}

/** The one agent that all replicas talk to. */
export const node = { id: "00000000-0000-4000-8000-00000000c0de", name: "sim" }
