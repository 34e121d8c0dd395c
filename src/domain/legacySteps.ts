import { buildId, publishId, testId } from "./childIds.ts"
import type { LegacyJob } from "./LegacyJob.ts"
import { shortened } from "./shortened.ts"
import type { JobPhase, TestRef } from "./Status.ts"

/** What the ancestor kept of one step's output. */
export interface LegacyStep {
  readonly phase: JobPhase
  readonly test: TestRef | undefined
  /**
   * As this service would have named it. The ancestor's own id is in none of its places: whatever is done to a job here
   * must not reach a Nomad job that isn't this service's.
   */
  readonly nomadJobId: string
  readonly failed: boolean
  readonly stdout: string
  readonly stderr: string
  /** Of both. */
  readonly bytes: number
  /** Its last lines. */
  readonly tail: ReadonlyArray<string>
}

/** The steps that a job has any line of, each with its part of the log: all tests of a job are in one list. */
export const legacySteps = (job: LegacyJob, redact: (text: string) => string): ReadonlyArray<LegacyStep> => {
  const { id, logs } = job
  const tests = partTests(logs.test)
  const named = tests.filter(({ nomadJob }) => job.error.includes(nomadJob))
  return [
    ...stepOf(logs.build, {
      phase: "build",
      test: undefined,
      nomadJobId: buildId(id, 1),
      failed: hasFailed(job, "build")
    }),
    ...tests.flatMap((part) => {
      const failed = hasFailed(job, "test") && (named.length === 0 || named.includes(part))
      return stepOf(part.lines, { phase: "test", test: part.test, nomadJobId: testId(id, part.test, 1), failed })
    }),
    ...stepOf(logs.publish, {
      phase: "publish",
      test: undefined,
      nomadJobId: publishId(id, 1),
      failed: hasFailed(job, "publish")
    })
  ].map((step) => redacted(step, redact))
}

/** Phases follow each other: the last one that wrote anything is the one that a job failed in which doesn't say so. */
const hasFailed = ({ failedPhase, logs, status }: LegacyJob, phase: JobPhase): boolean => {
  if (status === "SUCCEEDED") return false
  if (failedPhase !== "") return failedPhase === phase
  return phases.findLast((one) => logs[one].length > 0) === phase
}

const phases = ["build", "test", "publish"] as const

interface TestPart {
  readonly test: TestRef
  /** The ancestor's id of it. */
  readonly nomadJob: string
  readonly lines: Array<string>
}

const header = /^=== (?:External )?Test Job (?:(\d{1,6}) )?\(([^)]*)\) ===$/

/** What stands above the first header, of a job whose test wrote none, is the entry point's. */
const partTests = (lines: ReadonlyArray<string>): ReadonlyArray<TestPart> => {
  const parts = new Map<string, TestPart>()
  let present: TestPart | undefined
  for (const line of lines) {
    const [, number, nomadJob] = header.exec(line) ?? []
    if (nomadJob === undefined && present !== undefined) present.lines.push(line)
    if (nomadJob === undefined && present !== undefined) continue
    const test = testOf(nomadJob ?? "", number)
    const key = test.kind === "command" ? String(test.index) : test.kind
    present = parts.get(key) ?? { test, nomadJob: nomadJob ?? "an entry point", lines: [] }
    if (nomadJob === undefined) present.lines.push(line)
    parts.set(key, present)
  }
  return [...parts.values()]
}

const testOf = (nomadJob: string, number: string | undefined): TestRef => {
  const [, index] = /^test-cmd-.*-(\d{1,6})$/.exec(nomadJob) ?? []
  if (index !== undefined) return { kind: "command", index: Number(index) }
  return nomadJob === "" ||
    nomadJob.startsWith("test-entry-") ||
    nomadJob.startsWith("test-external-") ||
    number === undefined
    ? { kind: "entry-point" }
    : { kind: "command", index: Number(number) }
}

type Head = Pick<LegacyStep, "failed" | "nomadJobId" | "phase" | "test">

/** None for a step without a line. The ancestor wrote the stream in front of each, which readers here get again. */
const stepOf = (lines: ReadonlyArray<string>, head: Head): ReadonlyArray<LegacyStep> => {
  const told = lines.filter((line) => line.trim() !== "")
  if (told.length === 0) return []
  const streams: { readonly stdout: Array<string>; readonly stderr: Array<string> } = { stdout: [], stderr: [] }
  for (const line of told) {
    const [, stream, rest] = /^\[[^\]/]{1,128}\/(stdout|stderr)\] ?(.*)$/s.exec(line) ?? []
    streams[stream === "stderr" ? "stderr" : "stdout"].push(rest ?? line)
  }
  return [{ ...head, stdout: textOf(streams.stdout), stderr: textOf(streams.stderr), bytes: 0, tail: [] }]
}

const textOf = (lines: ReadonlyArray<string>): string => lines.map((line) => `${line}\n`).join("")

const redacted = (step: LegacyStep, redact: (text: string) => string): LegacyStep => {
  const stdout = redact(step.stdout)
  const stderr = redact(step.stderr)
  const lines = `${stdout}${stderr}`.split("\n").filter((line) => line !== "")
  return {
    ...step,
    stdout,
    stderr,
    bytes: Buffer.byteLength(stdout) + Buffer.byteLength(stderr),
    tail: lines.slice(-tailLines).map((line) => shortened(line))
  }
}

const tailLines = 20
