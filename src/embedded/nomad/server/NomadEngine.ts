import { randomUUID } from "node:crypto"
import { HashMap, Option } from "effect"
import { type Wake, Waiters } from "../../http/Waiters.ts"
import type { Change } from "../machine/Draft.ts"
import type { Command, Reply } from "../machine/NomadCommand.ts"
import { step } from "../machine/NomadMachine.ts"
import type { EventBatch, NomadState } from "../machine/NomadState.ts"
import type { NomadJournal } from "./NomadJournal.ts"

/**
 * The state machine on real time: it applies commands, keeps what they wrote before anybody is answered, and wakes
 * those who watch what changed.
 */
export class NomadEngine {
  private current: NomadState
  private readonly journal: NomadJournal | undefined
  private readonly waiters = new Waiters()
  private readonly listeners = new Set<(batches: ReadonlyArray<EventBatch>) => void>()
  private latest = 0

  constructor(state: NomadState, journal: NomadJournal | undefined) {
    this.current = state
    this.journal = journal
  }

  get state(): NomadState {
    return this.current
  }

  /** Throws what the journal throws; nothing has happened then. */
  execute(command: Command): Reply {
    const ids = new Map<number, string>()
    const applied = step(this.current, command, this.now(), (ordinal) => {
      const id = ids.get(ordinal) ?? randomUUID()
      ids.set(ordinal, id)
      return id
    })
    const { state } = applied
    const before = this.current
    this.journal?.append({ index: state.index, tables: state.tableIndex, changes: applied.changes })
    this.current = state
    void this.journal?.compactIfLarge(state)
    this.waiters.notify(new Set(applied.changes.flatMap((change) => topicsOf(change, before))))
    for (const listener of this.listeners) listener(applied.events)
    return applied.reply
  }

  /** Calls `wake` once, after one of the topics changed or after `maxMs`. Returns how to give up. */
  wait(topics: ReadonlyArray<string>, maxMs: number, wake: (why: Wake) => void): () => void {
    return this.waiters.wait(topics, maxMs, wake)
  }

  /** Hears of every step, in order. Must not execute commands itself. Returns how to stop. */
  listen(listener: (batches: ReadonlyArray<EventBatch>) => void): () => void {
    this.listeners.add(listener)
    return () => void this.listeners.delete(listener)
  }

  /** Nanoseconds since the epoch; never goes back, whatever the machine's clock does. */
  now(): number {
    this.latest = Math.max(this.latest, Date.now())
    return this.latest * 1e6
  }

  close(): void {
    this.waiters.close()
    this.listeners.clear()
  }
}

/** What can be waited for. */
export const topics = {
  jobs: "jobs",
  allocations: "allocations",
  evaluations: "evaluations",
  nodes: "nodes",
  job: (id: string) => `job:${id}`,
  allocationsOfJob: (jobId: string) => `allocations-of-job:${jobId}`,
  evaluationsOfJob: (jobId: string) => `evaluations-of-job:${jobId}`,
  allocation: (id: string) => `allocation:${id}`,
  evaluation: (id: string) => `evaluation:${id}`,
  node: (id: string) => `node:${id}`
}

/** A removed row is looked up in the state before: who waits for its job's list must hear of it too. */
const topicsOf = ({ table, key, value }: Change, before: NomadState): ReadonlyArray<string> => {
  switch (table) {
    case "job":
      return [topics.jobs, topics.job(key)]
    case "versions":
      return []
    case "allocation": {
      const row = value ?? Option.getOrUndefined(HashMap.get(before.allocations, key))
      return [topics.allocations, topics.allocation(key), topics.allocationsOfJob(row?.JobID ?? "")]
    }
    case "evaluation": {
      const row = value ?? Option.getOrUndefined(HashMap.get(before.evaluations, key))
      return [topics.evaluations, topics.evaluation(key), topics.evaluationsOfJob(row?.JobID ?? "")]
    }
    case "node":
      return [topics.nodes, topics.node(key)]
  }
}
