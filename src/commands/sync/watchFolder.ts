import { FileSystem, type Path } from "@effect/platform"
import { Clock, Effect, FiberMap, Logger, Option, Queue, Schema, Stream } from "effect"
import { Consul } from "../../consul/Consul.ts"
import type { ApiError } from "../../http/ApiError.ts"
import type { CommandError } from "../CommandError.ts"
import { Io } from "../Io.ts"
import type { PlanOptions } from "./planChange.ts"
import { asJson, count, problemsOf, tellChange } from "./report.ts"
import { changing, makePlan, type Plan, writePlan, type Written } from "./runPass.ts"
import type { WatchedFolder } from "./walkFolder.ts"

export interface WatchOptions {
  readonly directory: string
  readonly json: boolean
  readonly allowEmpty: boolean
}

/** Milliseconds without an event after which a folder counts as still: editors and `git checkout` make many at once. */
const quietMs = 300
/** Whoever never stops writing is looked at all the same. */
const patienceMs = 3000
/** A file must be gone for so long before its record is deleted: what replaces files may take them away first. */
const goneMs = 3000
/** A pass without a reason: whatever a watch missed, it finds. */
const resyncMs = 10_000
/** After a pass that couldn't be done. */
const retryMs = 2000

/**
 * Keeps the records equal to the folder until it is interrupted. Nothing that goes wrong ends it: a file that is at fault
 * leaves its record as it is, a folder that is gone leaves all of them, an outage is waited out.
 */
export const watchFolder = Effect.fn("watchFolder")(function* (
  options: PlanOptions,
  watch: WatchOptions
): Effect.fn.Return<never, never, Consul | Io | FileSystem.FileSystem | Path.Path> {
  const { err } = yield* Io
  const wakes = yield* Queue.sliding<void>(1)
  yield* err(`Watching ${watch.directory}; Ctrl-C ends it.\n`)
  return yield* Effect.scoped(
    Effect.gen(function* () {
      const wake = Queue.offer(wakes, undefined)
      const follow = yield* followFolders(wake)
      yield* followRecords(options, wake)
      const memory = newMemory()
      while (true) {
        const first = memory.passes === 0
        const pause = yield* onePass({ ...options, adopt: options.adopt && first }, watch, memory)
        yield* follow(memory.folders)
        yield* settle(wakes, pause)
      }
    })
  ).pipe(Effect.onInterrupt(() => err("Stopped.\n")))
})

/** What one pass leaves to the next. */
interface Memory {
  passes: number
  folders: ReadonlyArray<WatchedFolder>
  /** Since when a record has had no file, in ms of the clock. */
  readonly missing: Map<string, number>
  /** What was said already, and is still so. */
  said: ReadonlySet<string>
  readonly valid: Set<string>
}

const newMemory = (): Memory => ({ passes: 0, folders: [], missing: new Map(), said: new Set(), valid: new Set() })

/** Answers how long to wait for a reason for the next one, in ms. */
const onePass = Effect.fnUntraced(function* (options: PlanOptions, watch: WatchOptions, memory: Memory) {
  const now = yield* Clock.currentTimeMillis
  const mayPrune = (name: string) => now - (memory.missing.get(name) ?? now) >= goneMs
  const planned = yield* Effect.either(makePlan({ directory: watch.directory, options, valid: memory.valid, mayPrune }))
  if (planned._tag === "Left") {
    yield* say(memory, [`Error: ${wordsOf(planned.left)}; trying again`])
    return retryMs
  }
  const plan = planned.right
  memory.folders = plan.folder.folders
  const emptied = isEmptied(plan, watch)
  const steps = emptied ? plan.steps.filter(({ file }) => file !== undefined) : plan.steps
  const written = yield* carryOut(options, watch, { ...plan, steps }, memory)
  noteMissing(memory, written, now)
  yield* say(memory, [
    ...plan.folder.faults.map(({ text }) => `${text}\n  its record stays as it is`),
    ...(emptied
      ? [`Warning: ${watch.directory} has no record any more; nothing is deleted without --allow-empty`]
      : []),
    ...problemsOf({ changes: written.changes, untried: [] }),
    ...(written.unreachable === undefined ? [] : [`Error: ${written.unreachable.message}; trying again`])
  ])
  memory.passes += 1
  if (written.unreachable !== undefined) return retryMs
  return options.prune && memory.missing.size > 0 ? goneMs : resyncMs
})

const wordsOf = (error: CommandError | ApiError): string => error.message

const isEmptied = ({ folder }: Plan, watch: WatchOptions): boolean =>
  folder.records.length === 0 && folder.faults.length === 0 && !watch.allowEmpty

const carryOut = Effect.fnUntraced(function* (options: PlanOptions, watch: WatchOptions, plan: Plan, memory: Memory) {
  const io = yield* Io
  const tell = watch.json ? () => Effect.void : tellChange
  const written = yield* writePlan(options, plan, (change) => Effect.provideService(tell(change), Io, io))
  const changed = count(written.changes, ...changing) > 0
  if (watch.json && (changed || memory.passes === 0)) {
    yield* io.out(`${encodeLine(asJson(options, written, { dryRun: false, jobs: options.keys.jobs }))}\n`)
  }
  const unchanged = count(written.changes, "unchanged")
  if (!watch.json && memory.passes === 0 && unchanged > 0) yield* io.out(`unchanged ${unchanged}\n`)
  return written
})

const encodeLine = Schema.encodeSync(Schema.parseJson(Schema.Unknown))

const noteMissing = (memory: Memory, { changes }: Written, now: number): void => {
  const left = new Set(changes.flatMap(({ name, outcome }) => (outcome === "left" ? [name] : [])))
  for (const name of memory.missing.keys()) if (!left.has(name)) memory.missing.delete(name)
  for (const name of left) if (!memory.missing.has(name)) memory.missing.set(name, now)
}

/** Each thing once, until it is over. */
const say = Effect.fnUntraced(function* (memory: Memory, problems: ReadonlyArray<string>) {
  const { err } = yield* Io
  const fresh = problems.filter((problem) => !memory.said.has(problem))
  if (fresh.length > 0) yield* err(`${fresh.join("\n")}\n`)
  if (problems.length === 0 && memory.said.size > 0) yield* err("All is well again.\n")
  memory.said = new Set(problems)
})

/** Until there is a reason for a pass, and no more of them come. */
const settle = Effect.fnUntraced(function* (wakes: Queue.Queue<void>, pause: number) {
  const woken = yield* Effect.timeoutOption(Queue.take(wakes), pause)
  const since = yield* Clock.currentTimeMillis
  let more = woken
  while (Option.isSome(more) && (yield* Clock.currentTimeMillis) - since < patienceMs) {
    more = yield* Effect.timeoutOption(Queue.take(wakes), quietMs)
  }
})

/**
 * Watches each folder by itself: a recursive watch would follow what is hidden, too, `.git` with its thousands of files.
 * A folder that is new to it is a reason for one more pass, since files may have come before the watch.
 */
const followFolders = Effect.fnUntraced(function* (wake: Effect.Effect<unknown>) {
  const files = yield* FileSystem.FileSystem
  const watches = yield* FiberMap.make<string>()
  const start = ({ inode, path }: WatchedFolder) =>
    FiberMap.run(
      watches,
      `${inode} ${path}`,
      files.watch(path).pipe(
        Stream.runForEach((event) => (isHidden(event.path) ? Effect.void : wake)),
        // It ends with its folder, or fails: the next pass starts another one.
        Effect.catchAllCause(() => Effect.void),
        Effect.ensuring(wake)
      )
    )
  return Effect.fnUntraced(function* (folders: ReadonlyArray<WatchedFolder>) {
    const wanted = new Map(folders.map((folder) => [`${folder.inode} ${folder.path}`, folder]))
    for (const [key] of watches) if (!wanted.has(key)) yield* FiberMap.remove(watches, key)
    for (const [key, folder] of wanted) {
      if (yield* FiberMap.has(watches, key)) continue
      yield* start(folder)
      yield* wake
    }
  })
})

const isHidden = (path: string): boolean => /(^|\/)\.[^/]*$/.test(path)

/** What it has to say of an outage, the passes say, too. */
const followRecords = Effect.fnUntraced(function* ({ keys, prefix }: PlanOptions, wake: Effect.Effect<unknown>) {
  const consul = yield* Consul
  yield* consul.watchKeys(`${keys.jobs}${prefix}`).pipe(
    Stream.runForEach(() => wake),
    Effect.provide(Logger.remove(Logger.defaultLogger)),
    Effect.forkScoped
  )
})
