import type { FailedAttempt } from "../domain/phaseState.ts"
import type { Attempt, Failure, Reason, Status } from "../domain/Status.ts"
import type { Cause } from "./Cause.ts"
import type { Diagnosis } from "./Diagnosis.ts"
import { failedStep, phaseOf } from "./failedStep.ts"
import { failingAttempt } from "./failingAttempt.ts"
import type { Finding } from "./findError.ts"
import { fitted } from "./fitted.ts"
import { judgeOutput } from "./judgeOutput.ts"
import { nextAction } from "./nextAction.ts"
import { phaseUnderWay, progressOf } from "./progress.ts"
import { type LogText, readLog } from "./readLog.ts"
import { isTransient } from "./retryable.ts"
import { placeOf, type Scene } from "./Scene.ts"

/** The output of the attempt that `failingAttempt` names, as the archive has it; empty where it has none. */
export interface AttemptLogs {
  readonly stdout: Uint8Array
  readonly stderr: Uint8Array
}

export const noLogs: AttemptLogs = { stdout: new Uint8Array(), stderr: new Uint8Array() }

/**
 * Why a job failed and what to do about it, or how it stands: from its status and the output of what failed.
 *
 * Total, and linear in what is looked at of the output, whatever the output holds.
 */
export const diagnose = (status: Status, logs: AttemptLogs = noLogs): Diagnosis => {
  if (status.status !== "FAILED") return fitted(ofProgress(status))
  return fitted(ofFailure(status, failingAttempt(status), logs))
}

const idOf = ({ job_id, name }: Status): string => job_id ?? name

const ofProgress = (status: Status): Diagnosis => {
  const progress = progressOf(status)
  const phase = phaseUnderWay(status, progress)
  return {
    job_id: idOf(status),
    status: status.status,
    ...(status.stopping === undefined ? {} : { reason: status.stopping.reason }),
    summary: progress.summary,
    ...(phase === undefined ? {} : { phase }),
    ...(progress.attempt === undefined ? {} : { attempt: progress.attempt.attempt }),
    tail: [],
    truncated: false,
    retryable: false,
    next_action: progress.next
  }
}

const ofFailure = (status: Status, failed: FailedAttempt | undefined, logs: AttemptLogs): Diagnosis => {
  const reason = status.reason ?? "CommandFailed"
  const texts = failed === undefined ? [] : textsOf(failed.failure, logs)
  const scene = sceneOf(status, reason, failed, texts)
  const { cause, finding } = judgeOutput(scene, texts)
  return {
    job_id: idOf(status),
    status: status.status,
    cause,
    reason,
    summary: summaryOf(scene, cause, finding),
    ...placed(scene),
    ...(failed === undefined ? {} : { attempt: failed.attempt.attempt }),
    ...(finding === undefined ? {} : { error: quoted(finding, texts) }),
    tail: tailOf(texts),
    truncated: texts.some(({ cut }) => cut) || failed?.failure.log_truncated === true,
    // There is nothing left to try again of a record that is gone.
    retryable: reason !== "Deleted" && canHelp(cause, finding, failed?.failure),
    next_action: nextAction(cause, scene, finding, status)
  }
}

const placed = ({ exitCode, phase, step }: Scene): Pick<Diagnosis, "phase" | "step" | "exit_code"> => ({
  ...(phase === undefined ? {} : { phase }),
  ...(step === undefined ? {} : { step }),
  ...(exitCode === undefined ? {} : { exit_code: exitCode })
})

const sceneOf = (
  status: Status,
  reason: Reason,
  failed: FailedAttempt | undefined,
  texts: ReadonlyArray<LogText>
): Scene => ({
  reason,
  message: failed?.failure.message ?? status.error ?? reason,
  phase: failed === undefined ? status.failed_phase : phaseOf(failed.attempt),
  step: failed === undefined ? undefined : stepOf(status, failed.attempt, reason, texts),
  exitCode: failed === undefined ? status.exit_code : failed.failure.exit_code,
  config: status.config
})

/** What never ran was not at any of its steps. */
const stepOf = (status: Status, attempt: Attempt, reason: Reason, texts: ReadonlyArray<LogText>) =>
  attempt.started_at === undefined && texts.every(({ lines }) => lines.length === 0) && attempt.phase !== "test"
    ? undefined
    : failedStep(status, attempt, reason, texts)

/** The archive's logs, or the last lines that the status kept of them. */
const textsOf = ({ log_tail }: Failure, { stderr, stdout }: AttemptLogs): ReadonlyArray<LogText> => {
  if (stdout.length + stderr.length > 0) return [readLog("stdout", stdout), readLog("stderr", stderr)]
  return (["stdout", "stderr"] as const).map((stream) => {
    const prefix = `[main/${stream}] `
    const lines = (log_tail ?? []).filter((line) => line.startsWith(prefix)).map((line) => line.slice(prefix.length))
    return { ...readLog(stream, new TextEncoder().encode(lines.join("\n"))), cut: lines.length > 0 }
  })
}

const summaryOf = (scene: Scene, cause: Cause, finding: Finding | undefined): string => {
  const words = finding?.line.text.trim() ?? scene.message
  const code = scene.exitCode === undefined ? "" : ` with exit code ${scene.exitCode}`
  return `${cause} in ${placeOf(scene)}${code}: ${words}`
}

/** What tells of a transient fault tells so by itself; else the controller's own judgement counts. */
const canHelp = (cause: Cause, finding: Finding | undefined, failure: Failure | undefined): boolean =>
  (finding?.rule?.cause === cause ? finding.rule.retryable : undefined) ??
  (isTransient(cause) || (failure?.infrastructure === true && cause !== "secret-missing"))

const linesBefore = 3
const linesAfter = 6

const quoted = ({ line }: Finding, texts: ReadonlyArray<LogText>): NonNullable<Diagnosis["error"]> => {
  const lines = texts.find(({ stream }) => stream === line.stream)?.lines ?? []
  const at = lines.indexOf(line)
  const text = (from: number, to: number) => lines.slice(Math.max(from, 0), to).map((each) => each.text)
  return {
    line: line.text,
    number: line.number,
    stream: line.stream,
    before: text(at - linesBefore, at),
    after: text(at + 1, at + 1 + linesAfter)
  }
}

const tailLines = { stdout: 10, stderr: 12 }

/** The end of both streams, marked as the log endpoint marks them. */
const tailOf = (texts: ReadonlyArray<LogText>): ReadonlyArray<string> =>
  texts.flatMap(({ lines, stream }) => lines.slice(-tailLines[stream]).map(({ text }) => `[main/${stream}] ${text}`))
