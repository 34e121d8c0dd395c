import type { Reason } from "../domain/Status.ts"
import type { Cause } from "./Cause.ts"
import { causeOfReason } from "./causeOfReason.ts"
import { failedPull } from "./failedPull.ts"
import { exitCauses, type Finding, findError, findErrorOf } from "./findError.ts"
import { type LogText, readLog } from "./readLog.ts"
import { rank } from "./Rule.ts"
import type { Scene } from "./Scene.ts"

export interface Judgement {
  readonly cause: Cause
  readonly finding: Finding | undefined
}

/** What went wrong: by the reason where that says it all, else by the output, else by the exit code. */
export const judgeOutput = (scene: Scene, logs: ReadonlyArray<LogText>): Judgement => {
  // The login and the registry that its reason speaks of are not the job's.
  if (failedPull(scene)?.setting !== undefined) return { cause: "infrastructure", finding: undefined }
  const known = causeOfReason(scene.reason)
  if (known !== undefined) return withReason(known, scene, logs)
  if (scene.reason === "DriverFailure") return ofDriver(scene)
  const finding = findError(scene, logs)
  return { cause: causeOf(scene, finding), finding }
}

/** A signal says more than a summary of what it interrupted, and less than what a program says that it compared. */
const causeOf = (scene: Scene, finding: Finding | undefined): Cause => {
  const byCode = scene.exitCode === undefined ? undefined : exitCauses[scene.exitCode]
  const rule = finding?.rule
  if (rule === undefined) return byCode ?? silent(scene)
  return byCode !== undefined && rule.rank < ceiling(byCode) ? byCode : rule.cause
}

/** Below this rank an exit code goes before the words. */
const ceiling = (cause: Cause): number => {
  switch (cause) {
    case "crash":
    case "out-of-memory":
      return rank.crash
    default:
      return rank.summary
  }
}

/** A script that a signal stopped, and nobody of ours sent it. */
const silent = ({ exitCode, phase }: Scene): Cause =>
  exitCode === 143 && phase !== "test" ? "infrastructure" : "command-failed"

const withReason = (cause: Cause, scene: Scene, logs: ReadonlyArray<LogText>): Judgement => {
  if (unspoken.has(scene.reason)) return { cause, finding: undefined }
  const finding = findErrorOf(cause, scene, logs)
  const finer = finerCauses.find((each) => finding?.rule?.cause === each)
  if (finer !== undefined) return { cause: finer, finding }
  const full = finding?.rule === undefined ? findErrorOf("disk-full", scene, logs) : undefined
  return full?.rule?.cause === "disk-full" ? { cause: "disk-full", finding: full } : { cause, finding }
}

/** Something else is to be done about these than about whatever could not be reached. */
const finerCauses: ReadonlyArray<Cause> = ["disk-full", "tls-verification"]

/** Reasons whose story is not in the output. */
const unspoken: ReadonlySet<Reason> = new Set([
  "InvalidSpec",
  "DuplicateName",
  "JobRejected",
  "ChildLost",
  "ChildStopped",
  "ResultMissing",
  "Timeout",
  "QueueTimeout",
  "Unplaceable",
  "SecretUnavailable",
  "JobTimeout",
  "SlotTaken",
  "Cancelled",
  "Deleted",
  "Superseded"
])

/** A driver's words are no log, but they are about the same things. */
const ofDriver = (scene: Scene): Judgement => ({ cause: causeOfDriver(scene), finding: undefined })

const causeOfDriver = (scene: Scene): Cause => {
  const { message, phase } = scene
  const [, failure] = /exec: ".{1,300}": (.{1,300})/.exec(message) ?? []
  if (phase === "test" && failure !== undefined) return causeOfExec(scene, failure)
  if (phase === "test" && /no command specified/i.test(message)) return "entry-point-missing"
  const words = readLog("stderr", new TextEncoder().encode(message))
  const told = findError({ ...scene, phase: "test" }, [words])?.rule?.cause
  return told === "disk-full" || told === "out-of-memory" ? told : "infrastructure"
}

/** Why the image's own program did not become a process. */
const causeOfExec = ({ step }: Scene, failure: string): Cause => {
  if (/permission denied/i.test(failure)) return "permission-denied"
  if (/exec format error/i.test(failure)) return "command-failed"
  return step?.kind === "entry-point" ? "entry-point-missing" : "command-not-found"
}
