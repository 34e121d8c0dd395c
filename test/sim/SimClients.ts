import { HashMap, Option } from "effect"
import type { Job } from "../../src/embedded/nomad/machine/JobSpec.ts"
import type { Allocation } from "../../src/embedded/nomad/machine/NomadState.ts"
import { allocationsOfNode } from "../../src/embedded/nomad/machine/NomadState.ts"
import * as Events from "../../src/embedded/nomad/machine/TaskEvent.ts"
import { type NomadWorld, nodes } from "./NomadWorld.ts"
import type { SimRegistry } from "./SimRegistry.ts"
import { type StepEnd, type StepPlan, stepPlan } from "./stepModel.ts"
import type { Pace } from "./pace.ts"
import type { Timeline } from "./Timeline.ts"

/** What an allocation leaves on its node. */
export interface Folder {
  readonly stdout: string
  readonly files: Readonly<Record<string, string>>
}

/** One run of a step on a machine. */
export interface Execution {
  readonly allocationId: string
  readonly nomadJobId: string
  readonly job: Job
}

interface Task extends Execution {
  readonly nodeId: string
  readonly plan: StepPlan
  readonly pace: Pace
  state: Events.TaskState
  stage: "starting" | "running" | "ended"
  stopping: boolean
  status: Allocation["ClientStatus"]
  /** Whether the servers will hear of its newest state. */
  reporting: boolean
  timers: Array<() => void>
}

/** Hears of what happens on the machines, at once. */
export interface ClientObserver {
  readonly started: (execution: Execution) => void
  readonly ended: (execution: Execution, exitCode: number, log: string) => void
}

/** The machines that run what Nomad places: each task's life, told to the servers step by step. */
export class SimClients {
  /** By allocation, until Nomad or the client forgets it. */
  readonly folders = new Map<string, Folder>()
  /** Allocations whose folder could, at some time after their end, not be read. */
  readonly outOfReach = new Set<string>()
  private readonly tasks = new Map<string, Task>()
  private readonly away = new Set<string>()
  private readonly timeline: Timeline
  private readonly world: NomadWorld
  private readonly registry: SimRegistry
  private readonly paceOf: (phase: string) => Pace
  private readonly observers: Array<ClientObserver> = []

  constructor(timeline: Timeline, world: NomadWorld, registry: SimRegistry, paceOf: (phase: string) => Pace) {
    this.timeline = timeline
    this.world = world
    this.registry = registry
    this.paceOf = paceOf
    world.observe((changes) => {
      for (const { table, key, value } of changes) {
        if (table !== "allocation") continue
        if (value === null) this.forget(key)
        else this.see(value)
      }
    })
  }

  observe(observer: ClientObserver): void {
    this.observers.push(observer)
  }

  /** What runs at this moment, whatever the servers think. */
  get running(): ReadonlyArray<Execution & { readonly stopping: boolean }> {
    return [...this.tasks.values()].filter(({ stage }) => stage === "running")
  }

  isAway(nodeId: string): boolean {
    return this.away.has(nodeId)
  }

  /** The client keeps few folders of what has ended: they go before the servers forget the allocation. */
  dropFolders(): void {
    for (const [id, task] of this.tasks) {
      if (task.stage !== "ended" || !this.folders.has(id)) continue
      this.folders.delete(id)
      this.outOfReach.add(id)
    }
  }

  /** Cuts a client off: after the heartbeat's limit the servers call it down, after a minute it stops its tasks. */
  disconnect(index: number): void {
    const node = nodes[index % nodes.length]
    if (node === undefined || this.away.has(node.ID)) return
    this.away.add(node.ID)
    for (const task of this.tasksOn(node.ID)) this.outOfReach.add(task.allocationId)
    this.timeline.after(heartbeatLimit, () => {
      if (this.away.has(node.ID)) this.world.execute({ _tag: "SetNodeStatus", id: node.ID, status: "down" })
    })
    this.timeline.after(stopOnClientAfter, () => {
      if (this.away.has(node.ID)) for (const task of this.tasksOn(node.ID)) this.kill(task)
    })
  }

  /** It is back: it tells what became of its tasks, hears which of them it is to stop, and ends what the servers forgot. */
  connect(index: number): void {
    const node = nodes[index % nodes.length]
    if (node === undefined || !this.away.delete(node.ID)) return
    this.world.execute({ _tag: "SetNodeStatus", id: node.ID, status: "ready" })
    for (const task of this.tasksOn(node.ID)) {
      if (HashMap.has(this.world.state.allocations, task.allocationId)) this.report(task)
      else this.kill(task)
    }
    for (const row of allocationsOfNode(this.world.state, node.ID)) this.see(row)
  }

  connectAll(): void {
    for (const index of nodes.keys()) this.connect(index)
  }

  private tasksOn(nodeId: string): ReadonlyArray<Task> {
    return [...this.tasks.values()].filter((task) => task.nodeId === nodeId)
  }

  private forget(id: string): void {
    this.folders.delete(id)
    this.outOfReach.add(id)
    const task = this.tasks.get(id)
    if (task?.stage === "ended") this.tasks.delete(id)
  }

  private see(row: Allocation): void {
    if (this.away.has(row.NodeID)) return
    const task = this.tasks.get(row.ID)
    if (task === undefined) {
      if (row.DesiredStatus === "run" && row.ClientStatus === "pending") this.begin(row)
      return
    }
    if (row.DesiredStatus === "stop") this.kill(task)
  }

  private begin(row: Allocation): void {
    const phase = row.Job.Meta?.["phase"] ?? ""
    const task: Task = {
      allocationId: row.ID,
      nomadJobId: row.JobID,
      job: row.Job,
      nodeId: row.NodeID,
      plan: stepPlan(row.Job, row.ID, this.registry),
      pace: this.paceOf(phase),
      state: Events.pendingTask,
      stage: "starting",
      stopping: false,
      status: "pending",
      reporting: false,
      timers: []
    }
    this.tasks.set(row.ID, task)
    this.after(task, task.pace.pull / 2, () => this.note(task, Events.received, "pending"))
    this.after(task, task.pace.pull, () => this.start(task))
  }

  private start(task: Task): void {
    const { driverFailure } = task.plan
    if (driverFailure !== undefined) {
      this.note(task, Events.driverFailure(driverFailure))
      return this.finish(task, task.stopping ? "complete" : "failed")
    }
    task.stage = "running"
    task.state = { ...task.state, State: "running", StartedAt: this.time() }
    this.folders.set(task.allocationId, { stdout: `${task.nomadJobId} runs as ${task.allocationId}\n`, files: {} })
    this.note(task, Events.started, "running")
    for (const { started } of this.observers) started(task)
    for (const { share, run } of task.plan.acts) this.after(task, task.pace.run * share, run)
    this.after(task, task.pace.run, () => this.exit(task, task.pace.outOfMemory ? outOfMemory : task.plan.end()))
    if (task.stopping) this.end(task)
  }

  private exit(task: Task, { exitCode, oomKilled = false, files }: StepEnd): void {
    const stdout = `${this.folders.get(task.allocationId)?.stdout ?? ""}exit ${exitCode}\n`
    this.folders.set(task.allocationId, { stdout, files })
    this.note(task, Events.terminated({ exitCode, signal: 0, oomKilled }))
    for (const { ended } of this.observers) ended(task, exitCode, stdout)
    this.finish(task, exitCode === 0 ? "complete" : "failed")
  }

  /** A stop while the image is pulled doesn't end the pull: the task begins, and is ended then. */
  private kill(task: Task): void {
    if (task.stage === "ended" || task.stopping) return
    task.stopping = true
    this.note(task, Events.killing(task.pace.kill * 1e6), task.status)
    if (task.stage === "running") this.end(task)
  }

  /** The scripts give up what they have not begun when they are told to end. */
  private end(task: Task): void {
    for (const cancel of task.timers.splice(0)) cancel()
    this.after(task, task.pace.kill, () => {
      this.note(task, Events.terminated({ exitCode: 143, signal: 0, oomKilled: false }))
      this.note(task, Events.killed)
      for (const { ended } of this.observers) ended(task, 143, this.folders.get(task.allocationId)?.stdout ?? "")
      this.finish(task, "complete")
    })
  }

  private finish(task: Task, status: "complete" | "failed"): void {
    if (status === "failed") this.note(task, Events.notRestarting)
    for (const cancel of task.timers.splice(0)) cancel()
    task.stage = "ended"
    task.status = status
    task.state = { ...task.state, State: "dead", Failed: status === "failed", FinishedAt: this.time() }
    if (this.away.has(task.nodeId)) this.outOfReach.add(task.allocationId)
    this.report(task)
  }

  private note(task: Task, event: Events.UntimedEvent, tell?: Allocation["ClientStatus"]): void {
    task.state = Events.withEvent(task.state, Events.at(event, this.timeline.now * 1e6))
    if (tell === undefined) return
    task.status = tell
    this.report(task)
  }

  /** Nothing is told twice or out of order: a client gathers for a while, and sends the newest state of each task. */
  private report(task: Task): void {
    if (task.reporting) return
    task.reporting = true
    this.timeline.after(gathering, () => {
      task.reporting = false
      this.tell(task)
    })
  }

  private tell(task: Task): void {
    if (this.away.has(task.nodeId) || Option.isNone(HashMap.get(this.world.state.allocations, task.allocationId)))
      return
    this.world.execute({
      _tag: "UpdateAllocations",
      updates: [
        {
          id: task.allocationId,
          clientStatus: task.status,
          clientDescription: task.status === "failed" ? "Failed tasks" : "",
          taskStates: { main: task.state }
        }
      ]
    })
  }

  private after(task: Task, milliseconds: number, run: () => void): void {
    task.timers.push(this.timeline.after(milliseconds, run))
  }

  private time(): string {
    return new Date(this.timeline.now).toISOString()
  }
}

/** Milliseconds: `allocSyncIntv` in Nomad's client/client.go. */
const gathering = 200

const heartbeatLimit = 15_000
/** As the job specs ask for. */
const stopOnClientAfter = 60_000

const outOfMemory: StepEnd = { exitCode: 137, oomKilled: true, files: {} }
