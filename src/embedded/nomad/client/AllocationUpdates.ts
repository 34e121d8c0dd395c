import { closeSync, mkdirSync, openSync, readdirSync, rmSync, statSync } from "node:fs"
import { join } from "node:path"
import { Effect, HashMap, Queue, Schedule, type Scope } from "effect"
import type { AllocationUpdate } from "../machine/NomadCommand.ts"
import type { NomadEngine } from "../server/NomadEngine.ts"

/** How the servers hear of the client's allocations: never twice, never out of order, the newest state of each. */
export interface AllocationUpdates {
  /** A moment later, unless something newer is told of the allocation before. */
  readonly soon: (update: AllocationUpdate) => Effect.Effect<void>
  /** The servers have it when this is done. */
  readonly now: (update: AllocationUpdate) => Effect.Effect<void>
  /** Allocations that ran when an earlier process died before it told so, with the time of their start. */
  readonly untold: ReadonlyMap<string, Date>
}

/** Nomad's own client gathers for 200 ms (`allocSyncIntv` in client/client.go), what has ended included. */
const gathering = "50 millis"

/** `folder`: where it is noted what runs, until the servers have it. */
export const makeAllocationUpdates = Effect.fnUntraced(function* (
  engine: NomadEngine,
  folder: string
): Effect.fn.Return<AllocationUpdates, never, Scope.Scope> {
  const waiting = new Map<string, AllocationUpdate>()
  const wakeUps = yield* Queue.sliding<void>(1)
  const marks = openMarks(folder, (id) => HashMap.has(engine.state.allocations, id))

  /** A disk that is full for a while must not lose the end of a task: it is told again until it is stored. */
  const untilStored = (tell: () => void): Effect.Effect<void> =>
    Effect.try(tell).pipe(
      Effect.tapError((error) => Effect.logWarning("an allocation's state can't be stored", error)),
      Effect.retry(Schedule.spaced("1 second")),
      // The schedule never gives up.
      Effect.orDie
    )

  const tell = (updates: ReadonlyArray<AllocationUpdate>) => {
    engine.execute({ _tag: "UpdateAllocations", updates })
    for (const { id } of updates) marks.remove(id)
  }

  const tellGathered = untilStored(() => {
    if (waiting.size === 0) return
    tell([...waiting.values()])
    waiting.clear()
  })

  yield* Effect.forkScoped(
    Effect.forever(Queue.take(wakeUps).pipe(Effect.zipRight(Effect.sleep(gathering)), Effect.zipRight(tellGathered)))
  )

  return {
    untold: marks.found,
    soon: (update) =>
      untilStored(() => {
        if (update.clientStatus === "running") marks.add(update.id)
        waiting.set(update.id, update)
      }).pipe(Effect.zipRight(Effect.asVoid(Queue.offer(wakeUps, undefined)))),
    now: (update) =>
      Effect.suspend(() => {
        waiting.delete(update.id)
        return untilStored(() => tell([update]))
      })
  }
})

/** Empty files that are named after allocations; those of others than the known go. */
const openMarks = (folder: string, isKnown: (id: string) => boolean) => {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const pathOf = (id: string) => join(folder, id)
  const names = readdirSync(folder)
  for (const id of names) if (!isKnown(id)) rmSync(pathOf(id), { force: true })
  const found = new Map(names.filter(isKnown).map((id) => [id, statSync(pathOf(id)).mtime]))
  const marked = new Set(found.keys())
  return {
    found,
    add: (id: string) => {
      if (marked.has(id)) return
      closeSync(openSync(pathOf(id), "a", 0o600))
      marked.add(id)
    },
    remove: (id: string) => {
      if (marked.delete(id)) rmSync(pathOf(id), { force: true })
    }
  }
}
