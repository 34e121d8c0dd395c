import { Data, Option } from "effect"
import type { ChildState } from "./ChildState.ts"
import type { DesiredRecord } from "./decodeRecord.ts"
import type { Competition } from "./Competition.ts"
import type { FieldError } from "./FieldError.ts"
import type { Policy } from "./Policy.ts"
import type { Attempt, Reason, Status, Usage } from "./Status.ts"

/** The record as it stands in the store. */
export type RecordView = Data.TaggedEnum<{
  /** Confirmed: a read of the single key said that it does not exist. */
  Absent: {}
  Invalid: { readonly reason: "InvalidSpec" | "DuplicateName"; readonly errors: ReadonlyArray<FieldError> }
  Valid: { readonly desired: DesiredRecord }
}>
export const RecordView = Data.taggedEnum<RecordView>()

/** What a step reported about itself, and what became of its logs. */
export interface Collected {
  /** `unreachable`: try again later; `none`: there never was an allocation to have any. */
  readonly logs: "archived" | "unreachable" | "none"
  readonly logBytes: number
  readonly logTruncated: boolean
  readonly tail: ReadonlyArray<string>
  readonly result: Option.Option<StepResult>
  readonly failure: Option.Option<StepFailure>
  /** What its container has used, where the script tells. */
  readonly usage?: Usage
}

/** Of what never ran: there is nothing to fetch. */
export const nothingCollected: Collected = {
  logs: "none",
  logBytes: 0,
  logTruncated: false,
  tail: [],
  result: Option.none(),
  failure: Option.none()
}

/** `result.json` of a build or publish step. */
export interface StepResult {
  readonly digest: string
  readonly commit: Option.Option<string>
}

/** Why a step says that it failed, in its own file. */
export interface StepFailure {
  readonly reason: Reason
  readonly message: string
  /** The same input may do better the next time. */
  readonly transient: boolean
}

/** Everything that a decision rests on. */
export interface Snapshot {
  readonly name: string
  readonly record: RecordView
  readonly status: Option.Option<Status>
  /** By Nomad job id, for each attempt that has no outcome yet. */
  readonly children: ReadonlyMap<string, ChildState>
  /** By Nomad job id, for ended children whose result and logs were fetched. */
  readonly collected: ReadonlyMap<string, Collected>
  /** By Nomad job id: Nomad's words when it refused to register the job. */
  readonly rejected: ReadonlyMap<string, string>
  readonly competition: Competition
  /** What clients asked about the record's run, in the order in which they did. */
  readonly requests: ReadonlyArray<JobRequest>
  readonly policy: Policy
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** One verb for one job id, as a key below `requests/` holds it. */
export interface JobRequest {
  readonly id: string
  readonly verb: "kill" | "retry" | "cleanup" | "purge"
  readonly jobId: string
}

/** A repeatable act. The status that announces it is in the store before it is done. */
export type Action = Data.TaggedEnum<{
  Register: { readonly attempt: Attempt }
  Stop: { readonly nomadJobId: string }
  /** Makes Nomad forget an ended child. The one act that comes before the write: the request for it goes with that. */
  Purge: { readonly nomadJobId: string }
  /** Fetch result and logs of an ended child, then decide again. Changes nothing but the archive. */
  Collect: { readonly attempt: Attempt; readonly allocationId: Option.Option<string> }
}>
export const Action = Data.taggedEnum<Action>()

export interface Decision {
  /** The next status; none: the one in the store stands. */
  readonly status: Option.Option<Status>
  /** How a run ended whose status the next one takes the place of in this very step: nobody reads it otherwise. */
  readonly ended: Option.Option<Status>
  readonly actions: ReadonlyArray<Action>
  /** Ids of the requests that are answered: they go in the transaction that writes the status. */
  readonly handled: ReadonlyArray<string>
  /** Milliseconds until something is due; none: nothing before the next notification. */
  readonly again: Option.Option<number>
}
