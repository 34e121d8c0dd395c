import { Data, type Option } from "effect"

/**
 * What Nomad shows of one child, reduced to what a decision needs. Times are milliseconds since the epoch.
 *
 * `Succeeded` is the only proof of success: an allocation that should run and whose task ended by itself with exit
 * code 0. `Absent` proves nothing, since Nomad forgets.
 */
export type ChildState = Data.TaggedEnum<{
  /** Nomad knows neither the job nor an allocation of it. */
  Absent: {}
  /** Registered, without an allocation. `unplaced` holds Nomad's own words on why. */
  Queued: { readonly unplaced: Option.Option<string> }
  /** Placed, but the task does not run yet: an image is pulled, a template waits for its secret. */
  Starting: {
    readonly allocationId: string
    readonly nodeId: string
    readonly nodeName: string
    readonly waiting: Option.Option<string>
  }
  Running: {
    readonly allocationId: string
    readonly nodeId: string
    readonly nodeName: string
    readonly startedAt: number
  }
  Succeeded: {
    readonly allocationId: string
    readonly nodeId: string
    readonly nodeName: string
    readonly startedAt: number
    readonly finishedAt: number
  }
  /** The task ended by itself, not with exit code 0. */
  CommandFailed: {
    readonly allocationId: string
    readonly nodeId: string
    readonly nodeName: string
    readonly exitCode: number
    readonly oomKilled: boolean
    readonly message: string
    readonly startedAt: number
    readonly finishedAt: number
  }
  /** The task could not be started: driver, image, template or validation. */
  NeverStarted: {
    readonly allocationId: string
    readonly nodeId: string
    readonly nodeName: string
    readonly reason: NeverStartedReason
    readonly message: string
    readonly finishedAt: number
  }
  /** Told to stop, and still running until its kill timeout. */
  Stopping: { readonly allocationId: string }
  /** Told to stop, by us or by somebody else, and ended; or stopped before it was placed. */
  Stopped: { readonly allocationId: Option.Option<string>; readonly finishedAt: Option.Option<number> }
  /** Its node is gone. It may come back to life, or be replaced. */
  Lost: { readonly allocationId: string; readonly message: string }
}>
export const ChildState = Data.taggedEnum<ChildState>()

/** Why a task could not be started; all but `authentication` and `validation` may pass by themselves. */
export type NeverStartedReason =
  | "driver"
  | "image-not-found"
  | "authentication"
  | "registry-unavailable"
  | "template"
  | "validation"
  | "other"
