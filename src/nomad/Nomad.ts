import { Context, type Effect, type Option, type Stream } from "effect"
import type { ApiError } from "../http/ApiError.ts"
import type { Allocation } from "./Allocation.ts"
import type { Evaluation } from "./Evaluation.ts"
import type { Job, JobStub } from "./Job.ts"
import type { Node } from "./Node.ts"
import type { EventTopic, NomadEvent } from "./NomadEvent.ts"

/** An answer with the index of Nomad's log that it is as new as. */
export interface Indexed<A> {
  readonly index: number
  readonly value: A
}

export interface RegisterOptions {
  /** Refuses with `Conflict` when Nomad knows the job. A hint, no guard: Nomad before 1.10.11 checks it without a lock. */
  readonly createOnly?: boolean
}

export interface Registered {
  /** Empty for a job that Nomad doesn't evaluate at once. */
  readonly evalId: string
  readonly jobModifyIndex: number
  /** In Nomad's own words, or empty. */
  readonly warnings: string
}

export interface Validated {
  /** Empty for a job that a register would take. The driver's configuration isn't looked into. */
  readonly errors: ReadonlyArray<string>
  readonly warnings: string
}

export interface LogOptions {
  /** Bytes from `origin`; beyond the end is an empty answer. */
  readonly offset?: number
  /** `start` is that of the oldest file still kept: rotation drops files without a mark. */
  readonly origin?: "start" | "end"
  /** At most so many bytes are read. */
  readonly limit?: number
}

/** A piece of a task's output. */
export interface LogFrame {
  readonly data: Uint8Array
  /** The offset to follow from after this piece, while no file that it counts has been rotated away. */
  readonly nextOffset: number
  /** `alloc/logs/<task>.stdout.<n>`: a change of `n` is a rotation. */
  readonly file: string
}

export interface AgentInfo {
  /** `1.10.5`, without a marker of a pre-release. */
  readonly version: string
  readonly region: string
  readonly datacenter: string
}

/** Every call has a deadline of its own and closes its connection when it is interrupted. */
export class Nomad extends Context.Tag("jobforge/nomad/Nomad")<
  Nomad,
  {
    /**
     * The same job again changes nothing, except that a stopped one runs again. An invalid job is `Invalid`; after
     * `Unavailable` the job may have been registered.
     */
    readonly register: (job: { readonly ID: string }, options?: RegisterOptions) => Effect.Effect<Registered, ApiError>
    readonly validate: (job: { readonly ID: string }) => Effect.Effect<Validated, ApiError>
    /** None proves nothing: Nomad forgets finished jobs after a while. */
    readonly job: (id: string) => Effect.Effect<Option.Option<Job>, ApiError>
    readonly jobs: (prefix: string) => Effect.Effect<Indexed<ReadonlyArray<JobStub>>, ApiError>
    /**
     * The job is marked as stopped at once, and `dead` once the scheduler's pass has told its allocations to end, while its
     * tasks run on until their kill timeout. Succeeds for stopped and unknown jobs.
     * `purge` makes Nomad forget the job and its allocations at once, with their outcomes and logs; a running task is ended
     * without a trace. Older versions keep the allocations until their next garbage collection.
     */
    readonly stop: (id: string, options?: { readonly purge?: boolean }) => Effect.Effect<void, ApiError>
    /**
     * Of the job as it is registered now; not of an earlier one of the same id that was purged in between. In no
     * particular order; empty for unknown jobs.
     */
    readonly allocations: (jobId: string) => Effect.Effect<ReadonlyArray<Allocation>, ApiError>
    readonly allocation: (id: string) => Effect.Effect<Option.Option<Allocation>, ApiError>
    /** In no particular order; empty for unknown jobs. */
    readonly evaluations: (jobId: string) => Effect.Effect<ReadonlyArray<Evaluation>, ApiError>
    /**
     * A file of an allocation's directory, as `main/local/result.json`, up to 1 MiB, else `Invalid`. None: the file isn't there, or the allocation
     * is forgotten by the servers or by its client. A node that can't be reached now is `Unavailable`.
     */
    readonly readFile: (allocationId: string, path: string) => Effect.Effect<Option.Option<Uint8Array>, ApiError>
    /**
     * The output so far; empty for a task that hasn't started. Once the allocation or its directory is forgotten it is
     * `NotFound`; a node that can't be reached now is `Unavailable`.
     */
    readonly logs: (
      allocationId: string,
      task: string,
      stream: "stdout" | "stderr",
      options?: LogOptions
    ) => Effect.Effect<Uint8Array, ApiError>
    /**
     * The output from an offset on, as it is written. It never ends by itself, not even after the task did: whoever
     * follows ends it when the allocation is terminal. A broken connection, and a task that hasn't started, is
     * `Unavailable`: follow again from the last `nextOffset`.
     */
    readonly followLogs: (
      allocationId: string,
      task: string,
      stream: "stdout" | "stderr",
      offset: number
    ) => Stream.Stream<LogFrame, ApiError>
    /**
     * Never ends: it connects again from the last index seen. Without an index Nomad replays all that it still holds;
     * one that is too old or lies ahead is not refused.
     */
    readonly events: (topics: ReadonlyArray<EventTopic>, fromIndex: Option.Option<number>) => Stream.Stream<NomadEvent>
    /** Needs the `node:read` policy. */
    readonly nodes: () => Effect.Effect<ReadonlyArray<Node>, ApiError>
    readonly regions: () => Effect.Effect<ReadonlyArray<string>, ApiError>
    /** The leader's RPC address; `Unavailable` while there is none. */
    readonly leader: () => Effect.Effect<string, ApiError>
    /** Makes Nomad forget every finished job, evaluation and allocation. Needs a management token. */
    readonly systemGc: () => Effect.Effect<void, ApiError>
    /** Needs the `agent:read` policy. */
    readonly agentSelf: () => Effect.Effect<AgentInfo, ApiError>
  }
>() {}
