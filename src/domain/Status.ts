import { ParseResult, Schema } from "effect"
import { BuildJob } from "./BuildJob.ts"
import { openWord } from "./openWord.ts"
import { OnConflict } from "./RecordFields.ts"

/** Milliseconds since the epoch here, `YYYY-MM-DDTHH:MM:SS.sssZ` in the store. */
export const Timestamp = Schema.transformOrFail(Schema.String, Schema.Number, {
  strict: true,
  decode: (text, _options, ast) => {
    const time = Date.parse(text)
    return Number.isNaN(time)
      ? ParseResult.fail(new ParseResult.Type(ast, text, "not a time"))
      : ParseResult.succeed(time)
  },
  encode: (time) => ParseResult.succeed(new Date(time).toISOString())
})

export const Phase = Schema.Literal("build", "test", "publish", "cleanup")
export type Phase = typeof Phase.Type

/** The phases that a user knows. Cleaning up is the controller's own business. */
export const JobPhase = Schema.Literal("build", "test", "publish")
export type JobPhase = typeof JobPhase.Type

export const JobStatus = Schema.Literal("PENDING", "BUILDING", "TESTING", "PUBLISHING", "SUCCEEDED", "FAILED")
export type JobStatus = typeof JobStatus.Type

/** The reasons that this version gives and knows. */
export const KnownReason = Schema.Literal(
  "InvalidSpec",
  "DuplicateName",
  // What the steps' scripts say about themselves.
  "InvalidInput",
  "GitAuthRefused",
  "RefNotFound",
  "RepositoryNotFound",
  "RepositoryUnreachable",
  "HostKeyRefused",
  "SubmoduleUnavailable",
  "DockerfileMissing",
  "ContextMissing",
  "PathEscapes",
  "BaseImageUnavailable",
  "BaseImageMissing",
  "RegistryAuthRefused",
  "RegistryUnreachable",
  "PushFailed",
  "DigestMismatch",
  "SourceMissing",
  "DeletionDisabled",
  "DeletionFailed",
  "CacheUnusable",
  "BuildFailed",
  // What Nomad shows of them.
  "CommandFailed",
  "TestFailed",
  "OutOfMemory",
  "ImageNotFound",
  "DriverFailure",
  "JobRejected",
  "ResultMissing",
  "ChildLost",
  "ChildStopped",
  // Limits.
  "Timeout",
  "QueueTimeout",
  "Unplaceable",
  "SecretUnavailable",
  "JobTimeout",
  "SlotTaken",
  // What somebody wanted.
  "Cancelled",
  "Deleted",
  "Superseded"
)
export type KnownReason = typeof KnownReason.Type

/** Why something failed: CamelCase and stable, for programs. The message beside it is for people. */
export const Reason = openWord(KnownReason)
export type Reason = typeof Reason.Type

/** Which test of the job an attempt runs. The command itself stands in `config`: to repeat it could make a status too large. */
const TestRef = Schema.Union(
  Schema.Struct({ kind: Schema.Literal("command"), index: Schema.NonNegativeInt }),
  Schema.Struct({ kind: Schema.Literal("entry-point") })
)

export type TestRef = typeof TestRef.Type

/** Thousandths of a core on average, and MB; 0 for what the kernel didn't tell. */
export const Usage = Schema.Struct({
  cpu: Schema.NonNegativeInt,
  memory: Schema.NonNegativeInt,
  disk: Schema.NonNegativeInt
})
export type Usage = typeof Usage.Type

const ending = {
  /** As the step's own script has measured it; missing for tests, which run what the user wants. */
  usage: Schema.optional(Usage),
  exit_code: Schema.optional(Schema.Int),
  logs: openWord(Schema.Literal("archived", "unavailable", "none")),
  log_bytes: Schema.NonNegativeInt,
  log_truncated: Schema.Boolean,
  at: Timestamp
}

const Success = Schema.Struct({ result: Schema.Literal("succeeded"), ...ending })

const Failure = Schema.Struct({
  /** `stopped`: we ended it, for the reason given. */
  result: Schema.Literal("failed", "stopped"),
  reason: Reason,
  message: Schema.String,
  /** The cluster's fault, not the user's: another attempt may follow. */
  infrastructure: Schema.Boolean,
  /** The last lines that it wrote. */
  log_tail: Schema.optional(Schema.Array(Schema.String)),
  ...ending
})
export type Failure = typeof Failure.Type

/** How an attempt ended. Written once, when its result and logs are safe. */
export const Outcome = Schema.Union(Success, Failure)
export type Outcome = typeof Outcome.Type

/** One Nomad job: one try of one step. It is written here before it is registered. */
export const Attempt = Schema.Struct({
  nomad_job_id: Schema.String,
  phase: Phase,
  attempt: Schema.Int,
  test: Schema.optional(TestRef),
  intended_at: Timestamp,
  /** Nomad was seen to know it: from then on its absence means that it was lost. */
  seen: Schema.Boolean,
  allocation_id: Schema.optional(Schema.String),
  node: Schema.optional(Schema.String),
  /** Missing in what earlier versions wrote. */
  node_id: Schema.optional(Schema.String),
  started_at: Schema.optional(Timestamp),
  /** When it is stopped for running too long: set with its start, so that a new leader enforces the same. */
  deadline_at: Schema.optional(Timestamp),
  finished_at: Schema.optional(Timestamp),
  /** Nomad's words on why it does not run yet, and since when it says so. */
  waiting: Schema.optional(Schema.String),
  waiting_since: Schema.optional(Timestamp),
  /** It is to be stopped, and why. */
  stop: Schema.optional(Schema.Struct({ reason: Reason, message: Schema.String, at: Timestamp })),
  /** Since when Nomad is seen to be stopping it, whoever wanted that. */
  stopping_at: Schema.optional(Timestamp),
  outcome: Schema.optional(Outcome)
})
export type Attempt = typeof Attempt.Type

export const ConditionType = Schema.Literal("Valid", "Reconciling", "Succeeded")

export const ConditionStatus = Schema.Literal("True", "False", "Unknown")

/** After Kubernetes' metav1.Condition. */
export const Condition = Schema.Struct({
  type: openWord(ConditionType),
  status: openWord(ConditionStatus),
  reason: Schema.String,
  message: Schema.String,
  observed_generation: Schema.Int,
  last_transition_time: Timestamp
})
export type Condition = typeof Condition.Type

export const StatusEvent = Schema.Struct({ at: Timestamp, reason: Schema.String, message: Schema.String })
export type StatusEvent = typeof StatusEvent.Type

/** The run's milestones, in the names of the HTTP interface. */
export const Times = Schema.Struct({
  job_start: Schema.optional(Timestamp),
  build_start: Schema.optional(Timestamp),
  build_end: Schema.optional(Timestamp),
  test_start: Schema.optional(Timestamp),
  test_end: Schema.optional(Timestamp),
  publish_start: Schema.optional(Timestamp),
  publish_end: Schema.optional(Timestamp),
  job_end: Schema.optional(Timestamp)
})
export type Times = typeof Times.Type

/** Why a run waits before it may go on, and since when: whoever waits longer goes first. */
export const Waiting = Schema.Struct({
  reason: openWord(Schema.Literal("WaitingForSlot", "WaitingForCapacity")),
  message: Schema.String,
  /** Who has what this run waits for, or will have it first. */
  holder: Schema.optional(Schema.Struct({ name: Schema.String, job_id: Schema.String })),
  /** 1: next. */
  position: Schema.Int,
  slots: Schema.Array(Schema.String),
  since: Timestamp
})
export type Waiting = typeof Waiting.Type

/** Nomad keeps a run from going on, and since when. */
const Hindrance = Schema.Struct({
  reason: openWord(Schema.Literal("NomadUnavailable", "NomadRefuses")),
  message: Schema.String,
  since: Timestamp
})

/**
 * The observed state of one record, as stored under `status/<name>`. Only the controller writes it.
 *
 * One record has one status; a changed record is a new generation, whose run takes the place of the one before.
 */
export const Status = Schema.Struct({
  name: Schema.String,
  /** Counts the record's changes, deletions included. */
  generation: Schema.NonNegativeInt,
  /** Of the record's content that this run was made from; empty when no content is wanted. */
  hash: Schema.String,
  job_id: Schema.optional(Schema.String),
  status: JobStatus,
  phase: Schema.optional(JobPhase),
  failed_phase: Schema.optional(JobPhase),
  reason: Schema.optional(Reason),
  error: Schema.optional(Schema.String),
  exit_code: Schema.optional(Schema.Int),
  /** The last lines of what failed. */
  log_tail: Schema.optional(Schema.Array(Schema.String)),
  /** What is wrong with the record as it stands now, each with its path. */
  errors: Schema.optional(Schema.Array(Schema.Struct({ path: Schema.String, message: Schema.String }))),
  /** What this run executes: the record as it was when the run began. */
  config: Schema.optional(BuildJob),
  commit: Schema.optional(Schema.String),
  digest: Schema.optional(Schema.String),
  temporary_image: Schema.optional(Schema.String),
  images: Schema.Array(Schema.String),
  times: Times,
  /** What the run holds exclusively, by the names of the keys below `slots/`. */
  slots: Schema.optionalWith(Schema.Array(Schema.String), { default: () => [] }),
  waiting: Schema.optional(Waiting),
  hindered: Schema.optional(Hindrance),
  /** What the record said to do about others that hold what it wants. */
  on_conflict: Schema.optional(OnConflict),
  /** When the run ends unfinished, whatever it is doing. */
  deadline_at: Schema.optional(Timestamp),
  /** The run is to end, and why. */
  stopping: Schema.optional(Schema.Struct({ reason: Reason, message: Schema.String })),
  attempts: Schema.Array(Attempt),
  conditions: Schema.Array(Condition),
  events: Schema.Array(StatusEvent),
  updated_at: Timestamp
})
export type Status = typeof Status.Type

export const isTerminal = (status: JobStatus): boolean => status === "SUCCEEDED" || status === "FAILED"
