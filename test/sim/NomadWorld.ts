import type { Change } from "../../src/embedded/nomad/machine/Draft.ts"
import type { Command, Reply } from "../../src/embedded/nomad/machine/NomadCommand.ts"
import { step } from "../../src/embedded/nomad/machine/NomadMachine.ts"
import {
  emptyState,
  type EventBatch,
  type NomadNode,
  type NomadState
} from "../../src/embedded/nomad/machine/NomadState.ts"
import { History } from "./History.ts"
import type { Timeline } from "./Timeline.ts"

/** Nomad's servers on virtual time: the embedded Nomad's own state machine, with its past. */
export class NomadWorld {
  private readonly timeline: Timeline
  private readonly history: History<NomadState>
  private readonly listeners = new Set<(batches: ReadonlyArray<EventBatch>) => void>()
  private readonly observers: Array<(changes: ReadonlyArray<Change>, before: NomadState) => void> = []
  private commands = 0

  /** `remembers`: older states are asked for. */
  constructor(timeline: Timeline, remembers: boolean) {
    this.timeline = timeline
    this.history = new History(timeline, emptyState, remembers)
    for (const node of nodes) this.execute({ _tag: "UpsertNode", node })
  }

  get state(): NomadState {
    return this.history.current
  }

  /** The state of so many changes ago, as far back as a deposed leader could still show it. */
  seen(back: number): NomadState {
    return this.history.seen(back)
  }

  older(answer: (state: NomadState) => unknown): ReadonlyArray<number> {
    return this.history.older(answer)
  }

  execute(command: Command): Reply {
    this.commands += 1
    const prefix = String(this.commands).padStart(8, "0")
    const before = this.state
    const { state, reply, events, changes } = step(
      before,
      command,
      this.timeline.now * 1e6,
      (ordinal) => `${prefix}-0000-4000-8000-${String(ordinal).padStart(12, "0")}`
    )
    this.history.add(state)
    for (const observe of this.observers) observe(changes, before)
    for (const listen of this.listeners) listen(events)
    return reply
  }

  /** Hears of every row that changes, at once. */
  observe(observer: (changes: ReadonlyArray<Change>, before: NomadState) => void): void {
    this.observers.push(observer)
  }

  /** Hears of every batch of events from now on; answers with how to stop. */
  listen(listener: (batches: ReadonlyArray<EventBatch>) => void): () => void {
    this.listeners.add(listener)
    return () => void this.listeners.delete(listener)
  }
}

const machine = (number: number): Extract<Command, { readonly _tag: "UpsertNode" }>["node"] => ({
  ID: `00000000-0000-4000-8000-00000000000${number}`,
  Name: `client-${number}`,
  Datacenter: "dc1",
  NodePool: "default",
  NodeClass: "",
  Address: "127.0.0.1",
  HTTPAddr: "127.0.0.1:4646",
  Attributes: { "kernel.name": "linux", "nomad.version": "1.10.5" },
  Meta: {},
  Drivers: ["docker"],
  HostVolumes: { "buildah-cache": { Name: "buildah-cache", Path: "/srv/cache", ReadOnly: false } },
  Devices: [],
  // Room for all that a plan asks for: who waits for room is another test's matter.
  Cpu: 100_000_000,
  MemoryMB: 100_000_000,
  DiskMB: 1_000_000_000
})

/** Two clients, so that one can be lost. */
export const nodes: ReadonlyArray<Pick<NomadNode, "ID" | "Name"> & ReturnType<typeof machine>> = [
  machine(1),
  machine(2)
]
