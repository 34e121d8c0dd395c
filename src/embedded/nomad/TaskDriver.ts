import { Context, Data, type Effect, type Scope } from "effect"

/** One mount that a job asked for: a group's `Volumes` entry with the task's `VolumeMounts`, on host paths. */
export interface TaskVolume {
  readonly source: string
  readonly destination: string
  readonly readOnly: boolean
}

/** Host paths behind `/alloc`, `/local` and `/secrets` of the task. */
export interface TaskFolders {
  readonly alloc: string
  readonly local: string
  readonly secrets: string
}

/** Everything a driver is told about one task: what Nomad's client hands to its drivers, and no more. */
export interface TaskContext {
  readonly allocationId: string
  readonly jobId: string
  readonly taskName: string
  readonly driver: string
  /** Empty when the job names none: the image's own user applies then. */
  readonly user: string
  /** The task's `Config` after HCL unescaping (`$${` and `%%{`) and interpolation of the names that Nomad knows. */
  readonly config: Readonly<Record<string, unknown>>
  /** `Env`, environment templates and `NOMAD_*`, with the paths as the task sees them. */
  readonly env: Readonly<Record<string, string>>
  readonly folders: TaskFolders
  readonly volumes: ReadonlyArray<TaskVolume>
  /** Mebibytes, as `Resources.MemoryMB`. */
  readonly memoryMb: number
  /** Megahertz, as `Resources.CPU`. */
  readonly cpu: number
  readonly stdout: (chunk: Uint8Array) => void
  readonly stderr: (chunk: Uint8Array) => void
}

/** How a task ended. A task that a signal ended has `exitCode` 128 + its number, as docker reports it, and `signal` 0. */
export interface TaskExit {
  readonly exitCode: number
  readonly signal: number
  readonly oomKilled: boolean
}

export type TaskSignal = "SIGTERM" | "SIGINT" | "SIGKILL"

export interface TaskHandle {
  /** Completes after the last process of the task ended and its output was handed over. */
  readonly wait: Effect.Effect<TaskExit>
  /** Reaches the whole process group; does nothing once the task has ended. */
  readonly signal: (name: TaskSignal) => Effect.Effect<void>
}

/** The task could not be started. `message` is what Nomad's event `Driver Failure` shows. */
export class DriverError extends Data.TaggedError("DriverError")<{
  readonly message: string
  readonly recoverable: boolean
}> {}

/** What runs the tasks of the embedded Nomad's one node, as a driver plugin does for Nomad's client. */
export class TaskDriver extends Context.Tag("jobforge/embedded/TaskDriver")<
  TaskDriver,
  {
    /** What of a task's config would be run differently from Nomad's docker driver: one refusal a line, empty when all is well. */
    readonly validate: (
      driver: string,
      config: Readonly<Record<string, unknown>>,
      user: string
    ) => ReadonlyArray<string>
    /** Pulls the image if there is one and starts the task. Closing the scope leaves no process or mount of it behind. */
    readonly start: (context: TaskContext) => Effect.Effect<TaskHandle, DriverError, Scope.Scope>
    /** Ends whatever processes and mounts of these allocations survived a crash of this process. */
    readonly sweep: (allocationIds: ReadonlyArray<string>) => Effect.Effect<void>
  }
>() {}
