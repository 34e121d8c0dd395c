import { Deferred, Duration, Effect, Either, Fiber, type Scope } from "effect"
import type { Task } from "../machine/JobSpec.ts"
import type { Allocation, NomadNode } from "../machine/NomadState.ts"
import * as TaskEvents from "../machine/TaskEvent.ts"
import { type TaskContext, TaskDriver, type TaskExit, type TaskHandle } from "../TaskDriver.ts"
import { renderTemplates, type Secrets } from "../template/TaskTemplates.ts"
import type { AllocationFolder } from "./AllocationFolder.ts"
import { readDriverConfig } from "./driverConfig.ts"
import { LogRotator } from "./LogRotator.ts"
import { nodeValues, taskEnvironment, type Values } from "./taskEnvironment.ts"
import type { TaskReporter } from "./TaskReporter.ts"

export interface AllocationRun {
  readonly allocation: Allocation
  readonly task: Task
  readonly node: NomadNode
  readonly folder: AllocationFolder
  readonly reporter: TaskReporter
  /** Done when the servers want the allocation stopped. */
  readonly stop: Deferred.Deferred<void>
}

/** How long a task may take to end when this process ends, whatever its own kill timeout. */
const shutdownBound = Duration.seconds(2)

/** How often a template looks for what it misses. */
const templateRetry = Duration.seconds(1)

/**
 * One allocation from its arrival to its end, told to the servers step by step. Interrupted, it ends the task within a
 * bound and tells nobody: the servers then learn at the next start that the agent was gone.
 */
export const runAllocation = (run: AllocationRun): Effect.Effect<void, never, TaskDriver | Secrets> =>
  Effect.scoped(
    Effect.gen(function* () {
      yield* run.reporter.note(TaskEvents.received)
      yield* run.reporter.note(TaskEvents.buildingTaskDirectory)
      const built = yield* Effect.either(attempt(async () => run.folder.build()))
      if (Either.isLeft(built)) return yield* fail(run, TaskEvents.setupFailure(built.left))
      const env = yield* templatesOf(run)
      if (env === undefined) return
      const config = readDriverConfig(run.task.Config ?? {}, { ...nodeValues(run.node), ...env })
      if (Either.isLeft(config)) return yield* fail(run, TaskEvents.failedValidation(config.left))
      const context = yield* contextOf(run, config.right, env)
      yield* started(run, context)
    })
  ).pipe(Effect.withSpan("runAllocation", { attributes: { allocation: run.allocation.ID } }))

/** The environment with all templates rendered; `undefined` when the allocation ended instead. */
const templatesOf = Effect.fnUntraced(function* (run: AllocationRun) {
  const plain = taskEnvironment(run.allocation, run.task, run.node)
  let told = ""
  for (;;) {
    const outcome = yield* renderTemplates(run.task, plain, nodeValues(run.node), run.folder)
    // What templates made stands over all else.
    if (outcome._tag === "Ready") return { ...plain, ...outcome.env }
    if (outcome._tag === "Failed") {
      yield* run.reporter.note(TaskEvents.killingBecause(`Template failed: ${outcome.reason}`))
      yield* run.reporter.note(TaskEvents.killed)
      yield* run.reporter.failed
      return undefined
    }
    const missing = outcome.dependencies.join(", ")
    if (missing !== told) yield* run.reporter.note(TaskEvents.templateMissing(outcome.dependencies))
    if (missing !== told) yield* run.reporter.pending
    told = missing
    const stopped = yield* Effect.timeoutOption(Deferred.await(run.stop), templateRetry)
    if (stopped._tag === "Some") {
      yield* run.reporter.note(TaskEvents.killing(run.task.KillTimeout))
      yield* run.reporter.note(TaskEvents.killed)
      yield* run.reporter.complete
      return undefined
    }
  }
})

const contextOf = Effect.fnUntraced(function* (
  run: AllocationRun,
  config: Readonly<Record<string, unknown>>,
  env: Values
): Effect.fn.Return<TaskContext, never, Scope.Scope> {
  const { allocation, task, node, folder } = run
  const group = (allocation.Job.TaskGroups ?? []).find((candidate) => candidate.Name === allocation.TaskGroup)
  const output = (type: "stdout" | "stderr") =>
    Effect.acquireRelease(
      Effect.sync(
        () =>
          new LogRotator({
            folder: folder.logs,
            name: `${task.Name}.${type}`,
            maxFiles: task.LogConfig.MaxFiles,
            maxBytes: task.LogConfig.MaxFileSizeMB * 1024 * 1024
          })
      ),
      (rotator) => Effect.sync(() => rotator.close())
    )
  const stdout = yield* output("stdout")
  const stderr = yield* output("stderr")
  return {
    allocationId: allocation.ID,
    jobId: allocation.JobID,
    taskName: task.Name,
    driver: task.Driver,
    user: task.User,
    config,
    env,
    folders: folder.forTask,
    volumes: (task.VolumeMounts ?? []).flatMap((mount) => {
      const volume = group?.Volumes?.[mount.Volume]
      const offered = volume === undefined ? undefined : node.HostVolumes[volume.Source]
      return volume === undefined || offered === undefined
        ? []
        : [
            {
              source: offered.Path,
              destination: mount.Destination,
              readOnly: mount.ReadOnly || volume.ReadOnly || offered.ReadOnly
            }
          ]
    }),
    memoryMb: task.Resources.MemoryMB,
    cpu: task.Resources.CPU,
    stdout: (chunk) => stdout.write(chunk),
    stderr: (chunk) => stderr.write(chunk)
  }
})

/** A stop while the image is pulled doesn't end the pull: the task begins, and is ended then, as with docker. */
const started = Effect.fnUntraced(function* (run: AllocationRun, context: TaskContext) {
  const driver = yield* TaskDriver
  if (typeof context.config["image"] === "string") {
    yield* run.reporter.note(TaskEvents.downloadingImage(context.config["image"]))
  }
  yield* run.reporter.pending
  const starting = yield* Effect.fork(Effect.either(driver.start(context)))
  const outcome = yield* Effect.gen(function* () {
    const stoppedFirst = yield* Effect.raceFirst(
      Effect.as(Fiber.await(starting), false),
      Effect.as(Deferred.await(run.stop), true)
    )
    if (stoppedFirst) {
      yield* run.reporter.note(TaskEvents.killing(run.task.KillTimeout))
      yield* run.reporter.pending
    }
    return { stoppedFirst, handle: yield* Fiber.join(starting) }
    // What the driver began must be known to the scope before the scope closes.
  }).pipe(Effect.onInterrupt(() => Fiber.interrupt(starting)))
  const { handle, stoppedFirst } = outcome
  if (Either.isRight(handle)) return yield* supervised(run, handle.right, stoppedFirst)
  yield* run.reporter.note(TaskEvents.driverFailure(handle.left.message))
  if (!stoppedFirst) return yield* notRestarted(run)
  yield* run.reporter.note(TaskEvents.killed)
  yield* run.reporter.complete
})

const supervised = Effect.fnUntraced(function* (run: AllocationRun, handle: TaskHandle, killing: boolean) {
  yield* run.reporter.note(TaskEvents.started)
  yield* run.reporter.running
  const ended: TaskExit | undefined = killing
    ? undefined
    : yield* Effect.raceFirst(handle.wait, Effect.as(Deferred.await(run.stop), undefined)).pipe(
        Effect.onInterrupt(() => end(handle, run.task, shutdownBound))
      )
  if (ended !== undefined) {
    yield* run.reporter.note(TaskEvents.terminated(ended))
    return ended.exitCode === 0 ? yield* run.reporter.complete : yield* notRestarted(run)
  }
  if (!killing) {
    yield* run.reporter.note(TaskEvents.killing(run.task.KillTimeout))
    yield* run.reporter.stillRunning
  }
  const exit = yield* end(handle, run.task, Duration.nanos(BigInt(run.task.KillTimeout))).pipe(
    Effect.onInterrupt(() => handle.signal("SIGKILL"))
  )
  yield* run.reporter.note(TaskEvents.terminated(exit))
  yield* run.reporter.note(TaskEvents.killed)
  yield* run.reporter.complete
})

/** Asks the task to end, and ends it when it hasn't by then. */
const end = (handle: TaskHandle, task: Task, patience: Duration.Duration): Effect.Effect<TaskExit> =>
  handle.signal(signalOf(task)).pipe(
    // It is called while the process shuts down, too, where nothing can be interrupted: the waiting still must be.
    Effect.zipRight(Effect.timeoutOption(Effect.interruptible(handle.wait), patience)),
    Effect.flatMap((exit) =>
      exit._tag === "Some" ? Effect.succeed(exit.value) : Effect.zipRight(handle.signal("SIGKILL"), handle.wait)
    )
  )

const signalOf = ({ KillSignal }: Task): "SIGTERM" | "SIGINT" | "SIGKILL" =>
  KillSignal === "SIGINT" || KillSignal === "SIGKILL" ? KillSignal : "SIGTERM"

const fail = Effect.fnUntraced(function* (run: AllocationRun, event: TaskEvents.UntimedEvent) {
  yield* run.reporter.note(event)
  yield* notRestarted(run)
})

const notRestarted = Effect.fnUntraced(function* (run: AllocationRun) {
  yield* run.reporter.note(TaskEvents.notRestarting)
  yield* run.reporter.failed
})

/** Never left half done behind this process' back: a promise can't be interrupted, only abandoned. */
const attempt = <A>(run: () => Promise<A>): Effect.Effect<A, string> =>
  Effect.uninterruptible(
    Effect.tryPromise({ try: run, catch: (error) => (error instanceof Error ? error.message : String(error)) })
  )
