import { readdir } from "node:fs/promises"
import { Cause, Deferred, Effect, FiberMap, HashMap, Option, Queue, type Scope } from "effect"
import { type Allocation, isClientTerminal, liveAllocationsOfNode, type NomadNode } from "../machine/NomadState.ts"
import * as TaskEvents from "../machine/TaskEvent.ts"
import type { NomadEngine } from "../server/NomadEngine.ts"
import { TaskDriver } from "../TaskDriver.ts"
import type { Secrets } from "../template/TaskTemplates.ts"
import { AllocationFolder } from "./AllocationFolder.ts"
import { type AllocationUpdates, makeAllocationUpdates } from "./AllocationUpdates.ts"
import { EndedFolders } from "./EndedFolders.ts"
import { runAllocation } from "./runAllocation.ts"
import { TaskReporter } from "./TaskReporter.ts"

export interface EmbeddedNomadClient {
  /** Removes a finished allocation's folder; `false` when it isn't known or still runs. */
  readonly collect: (allocationId: string) => Promise<boolean>
}

export interface ClientFolders {
  /** What the allocations see. */
  readonly allocations: string
  /** What runs that the servers don't know of yet. */
  readonly started: string
}

/** Nomad's `gc_max_allocs`: how many finished allocations keep their folders. */
export const usualKeptAllocations = 50

/**
 * The client of the one node: runs what the servers place on it, and stops what they want stopped, until the scope
 * closes. What ran when the process died before has failed, and is told so first.
 */
export const startClient = Effect.fnUntraced(function* (
  engine: NomadEngine,
  nodeId: string,
  { allocations: allocationsFolder, started }: ClientFolders,
  keptAllocations: number
): Effect.fn.Return<EmbeddedNomadClient, never, TaskDriver | Secrets | Scope.Scope> {
  const runs = yield* FiberMap.make<string>()
  const stops = new Map<string, Deferred.Deferred<void>>()
  const wakeUps = yield* Queue.sliding<void>(1)

  const updates = yield* makeAllocationUpdates(engine, started)
  yield* recover(engine, updates, nodeId, allocationsFolder)
  yield* removeForgotten(engine, allocationsFolder)
  const folders = new EndedFolders(engine.state, yield* namesIn(allocationsFolder), keptAllocations)

  /** Beyond a number of finished allocations the oldest lose their folders, and with them their logs. */
  const ended = (id: string) => {
    stops.delete(id)
    folders.add(id)
    const due = folders.due((known) => HashMap.has(engine.state.allocations, known))
    return Effect.forEach(due, (each) => removeFolder(allocationsFolder, each), { discard: true })
  }

  const start = Effect.fnUntraced(function* (allocation: Allocation, node: NomadNode) {
    const task = taskOf(allocation)
    if (task === undefined) return
    const stop = yield* Deferred.make<void>()
    if (allocation.DesiredStatus === "stop") yield* Deferred.succeed(stop, undefined)
    stops.set(allocation.ID, stop)
    const reporter = new TaskReporter(updates, allocation.ID, task.Name)
    const folder = new AllocationFolder(allocationsFolder, allocation.ID, task.Name)
    const run = runAllocation({ allocation, task, node, folder, reporter, stop }).pipe(
      Effect.catchAllCause((cause) =>
        Cause.isInterruptedOnly(cause) ? Effect.failCause(cause) : broke(reporter, cause)
      ),
      Effect.zipRight(Effect.suspend(() => ended(allocation.ID))),
      Effect.ensuring(Effect.sync(() => stops.delete(allocation.ID)))
    )
    yield* FiberMap.run(runs, allocation.ID, run)
  })

  const look = Effect.gen(function* () {
    const node = Option.getOrUndefined(HashMap.get(engine.state.nodes, nodeId))
    if (node === undefined) return
    for (const allocation of liveAllocationsOfNode(engine.state, nodeId)) {
      const stop = stops.get(allocation.ID)
      if (stop === undefined) yield* start(allocation, node)
      else if (allocation.DesiredStatus === "stop") yield* Deferred.succeed(stop, undefined)
    }
    // A purge forgets what still runs.
    for (const [id, stop] of stops) {
      if (!HashMap.has(engine.state.allocations, id)) yield* Deferred.succeed(stop, undefined)
    }
  })

  yield* Effect.acquireRelease(
    Effect.sync(() => engine.listen(() => void Queue.unsafeOffer(wakeUps, undefined))),
    (stopListening) => Effect.sync(stopListening)
  )
  yield* look
  yield* Effect.forkScoped(Effect.forever(Effect.zipRight(Queue.take(wakeUps), look)))
  return { collect: (id) => collect(engine, allocationsFolder, id) }
})

const taskOf = (allocation: Allocation) =>
  (allocation.Job.TaskGroups ?? []).find((group) => group.Name === allocation.TaskGroup)?.Tasks?.[0]

/** A bug in here, or of the driver: the allocation must not look as if it ran on. */
const broke = Effect.fnUntraced(function* (reporter: TaskReporter, cause: Cause.Cause<never>) {
  yield* Effect.logError("an allocation's run broke", cause)
  yield* reporter.note(TaskEvents.driverFailure(Cause.pretty(cause)))
  yield* reporter.note(TaskEvents.notRestarting)
  yield* reporter.failed
})

/**
 * After a crash or a stop of this process: what had started is lost and says so, whatever of it still runs is ended;
 * what had not is begun anew.
 */
const recover = Effect.fnUntraced(function* (
  engine: NomadEngine,
  updates: AllocationUpdates,
  nodeId: string,
  folder: string
) {
  const driver = yield* TaskDriver
  const names = new Set(yield* namesIn(folder))
  // Purged while they ran.
  const forgotten = [...names].filter((name) => !HashMap.has(engine.state.allocations, name))
  // What has a folder is begun, whether the servers have heard of it or not.
  const begun = liveAllocationsOfNode(engine.state, nodeId).filter(
    ({ ID, TaskStates }) => TaskStates !== null || names.has(ID)
  )
  const swept = [...begun.map((allocation) => allocation.ID), ...forgotten]
  if (swept.length > 0) yield* driver.sweep(swept)
  for (const allocation of begun) {
    const task = taskOf(allocation)
    const state = task === undefined ? undefined : lastStateOf(allocation, task.Name, updates)
    if (task === undefined || state === undefined || state.StartedAt === null) continue
    const reporter = new TaskReporter(updates, allocation.ID, task.Name, state)
    if (allocation.DesiredStatus === "stop") {
      yield* reporter.note(TaskEvents.killed)
      yield* reporter.complete
      continue
    }
    yield* reporter.note(TaskEvents.driverFailure("the agent restarted: task could not be recovered"))
    yield* reporter.note(TaskEvents.notRestarting)
    yield* reporter.failed
  }
})

const lastStateOf = (allocation: Allocation, task: string, { untold }: AllocationUpdates): TaskEvents.TaskState => {
  const told = allocation.TaskStates?.[task] ?? TaskEvents.pendingTask
  const started = untold.get(allocation.ID)
  return started === undefined ? told : { ...told, State: "running", StartedAt: started.toISOString() }
}

/** Folders of allocations that the servers have forgotten. */
const removeForgotten = Effect.fnUntraced(function* (engine: NomadEngine, folder: string) {
  const names = yield* namesIn(folder)
  for (const name of names) {
    if (!HashMap.has(engine.state.allocations, name)) yield* removeFolder(folder, name)
  }
})

const namesIn = (folder: string): Effect.Effect<ReadonlyArray<string>> =>
  Effect.orElseSucceed(
    Effect.tryPromise(() => readdir(folder)),
    () => []
  )

const removeFolder = (folder: string, id: string): Effect.Effect<void> =>
  Effect.tryPromise(() => new AllocationFolder(folder, id, "").remove()).pipe(
    // It is tried again at the next start; until then it only takes room.
    Effect.catchAll((error) => Effect.logWarning("an allocation's folder can't be removed", error)),
    Effect.annotateLogs({ allocation: id }),
    Effect.uninterruptible
  )

const collect = async (engine: NomadEngine, folder: string, id: string): Promise<boolean> => {
  const allocation = Option.getOrUndefined(HashMap.get(engine.state.allocations, id))
  if (allocation === undefined || !isClientTerminal(allocation)) return false
  await new AllocationFolder(folder, id, "").remove()
  return true
}
