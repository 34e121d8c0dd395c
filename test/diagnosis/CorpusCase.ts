import { Schema } from "effect"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { Cause } from "../../src/diagnosis/Cause.ts"
import type { Diagnosis } from "../../src/diagnosis/Diagnosis.ts"
import { type AttemptLogs, diagnose } from "../../src/diagnosis/diagnose.ts"
import { refusalOf } from "../../src/domain/endRun.ts"
import { type Attempt, type Failure, JobPhase, Reason, type Status } from "../../src/domain/Status.ts"
import { jobId } from "../jobspec/phaseInputs.ts"
import { desired } from "../support/world.ts"

/** What `case.json` says about a failure; its output lies beside it in `stdout` and `stderr`. */
export const CorpusCase = Schema.Struct({
  label: Cause,
  phase: Schema.optional(JobPhase),
  exit_code: Schema.optional(Schema.NullOr(Schema.Int)),
  reason: Reason,
  dockerfile: Schema.optional(Schema.NullOr(Schema.String)),
  command: Schema.optional(Schema.NullOr(Schema.String)),
  /** The image's entry point is what ran. */
  entry_point: Schema.optional(Schema.Boolean),
  /** The status's words, where they aren't those that go with the reason. */
  message: Schema.optional(Schema.String),
  /** Fields of the job that was submitted. */
  config: Schema.optional(Schema.Record({ key: Schema.String, value: Schema.Unknown })),
  note: Schema.String,
  /** Part of the failing step's text. */
  step: Schema.optional(Schema.NullOr(Schema.Unknown)),
  /** Part of the line that the diagnosis must point to. */
  error_contains: Schema.optional(Schema.NullOr(Schema.String))
})
export type CorpusCase = typeof CorpusCase.Type

export interface Labelled {
  readonly name: string
  readonly expected: CorpusCase
  readonly logs: AttemptLogs
}

const decode = Schema.decodeUnknownSync(Schema.parseJson(CorpusCase))

/** All cases of one half of the corpus. */
export const readCorpus = (half: "own" | "blind"): ReadonlyArray<Labelled> => {
  const folder = `${import.meta.dirname}/corpus/${half}`
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .toSorted()
    .filter((name) => existsSync(`${folder}/${name}/case.json`))
    .map((name) => ({
      name,
      expected: decode(readFileSync(`${folder}/${name}/case.json`, "utf8")),
      logs: { stdout: output(`${folder}/${name}/stdout`), stderr: output(`${folder}/${name}/stderr`) }
    }))
}

const output = (path: string): Uint8Array => (existsSync(path) ? readFileSync(path) : new Uint8Array())

export const diagnosisOf = ({ expected, logs }: Labelled): Diagnosis => diagnose(statusOf(expected), logs)

const stops: ReadonlySet<Reason> = new Set([
  "Timeout",
  "JobTimeout",
  "QueueTimeout",
  "Unplaceable",
  "SecretUnavailable",
  "Cancelled",
  "Superseded",
  "Deleted"
])

/** The status that the controller writes of such a failure. */
export const statusOf = (expected: CorpusCase): Status => {
  const { command, reason } = expected
  const index = indexOf(expected)
  const tests =
    command === undefined || command === null
      ? { entry_point: true }
      : { commands: [...Array.from({ length: index }, () => "true"), command] }
  const config = desired({ ...(expected.phase === "test" ? { test: tests } : {}), ...expected.config }).job
  const base = {
    name: jobId,
    job_id: jobId,
    generation: 1,
    hash: "",
    status: "FAILED" as const,
    reason,
    config,
    images: [],
    times: {},
    slots: [],
    conditions: [],
    events: [],
    updated_at: 2000
  }
  const { phase } = expected
  if (phase === undefined) return { ...base, error: expected.message ?? reason, attempts: [] }
  const failure = failureOf(expected)
  const attempt: Attempt = {
    nomad_job_id: `${phase}-${jobId}-1`,
    phase,
    attempt: 1,
    ...(phase === "test" ? { test: command ? { kind: "command", index } : { kind: "entry-point" } } : {}),
    intended_at: 0,
    seen: true,
    ...(expected.exit_code === undefined ? {} : { started_at: 1 }),
    outcome: failure
  }
  return {
    ...base,
    failed_phase: phase,
    error: refusalOf(phase, { attempt, failure }).message,
    ...(typeof expected.exit_code === "number" ? { exit_code: expected.exit_code } : {}),
    attempts: [attempt]
  }
}

/** Which of the job's tests it is. */
const indexOf = ({ step }: CorpusCase): number =>
  typeof step === "object" && step !== null && "index" in step && typeof step.index === "number" ? step.index : 0

const failureOf = ({ exit_code, message, reason }: CorpusCase): Failure => ({
  result: stops.has(reason) ? "stopped" : "failed",
  reason,
  message: message ?? (typeof exit_code === "number" ? `exit code ${exit_code}` : reason),
  infrastructure: false,
  ...(typeof exit_code === "number" ? { exit_code } : {}),
  logs: "archived",
  log_bytes: 1,
  log_truncated: false,
  at: 2000
})
