import type { Attempt, JobPhase, Reason, Status } from "../domain/Status.ts"
import type { FailedStep } from "./Diagnosis.ts"
import type { LogLine, LogText } from "./readLog.ts"

/** An instruction that Buildah announced. */
export interface Announced {
  readonly number: number
  readonly of: number | undefined
  readonly text: string
  /** The line that announces it, by its place among the lines of stdout. */
  readonly at: number
}

/** What of the job's own files was at work when it failed. */
export const failedStep = (
  { config }: Pick<Status, "config">,
  attempt: Pick<Attempt, "phase" | "test">,
  reason: Reason,
  logs: ReadonlyArray<LogText>
): FailedStep | undefined => {
  switch (attempt.phase) {
    case "test":
      return testOf(config, attempt.test)
    case "publish":
      return { kind: "publish" }
    case "cleanup":
      return undefined
    case "build":
      return ofBuild(reason, logs)
  }
}

/** The last instruction that was announced, or the one that Buildah's own error names. */
export const announcedLast = (logs: ReadonlyArray<LogText>): Announced | undefined => {
  const lines = linesOf(logs, "stdout")
  const at = lines.findLastIndex(({ text }) => announcement.test(text))
  const announced = at < 0 ? undefined : parse(lines[at], at)
  const named = namedInError(logs)
  if (announced === undefined || named === undefined || begins(announced.text, named)) return announced
  const other = lines.findLastIndex((line, index) => begins(parse(line, index)?.text ?? "", named))
  return other < 0 ? announced : parse(lines[other], other)
}

/** Buildah repeats the instruction in the message that it ends with. */
const namedInError = (logs: ReadonlyArray<LogText>): string | undefined =>
  linesOf(logs, "stderr")
    .slice(-20)
    .flatMap(({ text }) => /^error: building at STEP "(?<text>.{1,1000})/i.exec(text)?.groups?.["text"] ?? [])
    .at(-1)

const begins = (announced: string, named: string): boolean =>
  announced !== "" && named.startsWith(announced.slice(0, 200))

const announcement = /^(?:\[\d+\/\d+\] )?STEP (?<number>\d{1,6})(?:\/(?<of>\d{1,6}))?: (?<text>.+)$/

const parse = (line: LogLine | undefined, at: number): Announced | undefined => {
  const groups = announcement.exec(line?.text ?? "")?.groups
  if (groups === undefined) return undefined
  const { number, of, text } = groups
  return { number: Number(number), of: of === undefined ? undefined : Number(of), text: text ?? "", at }
}

const ofBuild = (reason: Reason, logs: ReadonlyArray<LogText>): FailedStep | undefined => {
  if (checkoutReasons.has(reason)) return { kind: "checkout" }
  const announced = announcedLast(logs)
  if (pushReasons.has(reason) && (announced === undefined || isCommitted(logs, announced))) return { kind: "push" }
  if (announced !== undefined) {
    const { number, of, text } = announced
    return { kind: "instruction", number, ...(of === undefined ? {} : { of }), text }
  }
  const named = namedInError(logs)
  return named === undefined ? undefined : { kind: "instruction", text: named.replace(/": .*$/, "") }
}

const checkoutReasons: ReadonlySet<Reason> = new Set([
  "GitAuthRefused",
  "RefNotFound",
  "RepositoryNotFound",
  "RepositoryUnreachable",
  "HostKeyRefused",
  "SubmoduleUnavailable",
  "DockerfileMissing",
  "ContextMissing",
  "PathEscapes"
])

const pushReasons: ReadonlySet<Reason> = new Set([
  "PushFailed",
  "DigestMismatch",
  "RegistryAuthRefused",
  "RegistryUnreachable",
  "SourceMissing"
])

/** The last instruction's image was committed: nothing but the push was left to do. */
const isCommitted = (logs: ReadonlyArray<LogText>, last: Announced): boolean =>
  (last.of === undefined || last.number === last.of) &&
  !/^FROM /i.test(last.of === 1 ? "" : last.text) &&
  (namedInError(logs) === undefined ||
    linesOf(logs, "stdout")
      .slice(last.at)
      .some(({ text }) => /^COMMIT\b/.test(text)))

const testOf = (config: Status["config"], test: Attempt["test"]): FailedStep | undefined => {
  if (test === undefined) return undefined
  return test.kind === "entry-point"
    ? { kind: "entry-point" }
    : { kind: "command", index: test.index, text: config?.test?.commands?.[test.index] ?? "" }
}

const linesOf = (logs: ReadonlyArray<LogText>, stream: LogText["stream"]): ReadonlyArray<LogLine> =>
  logs.find((log) => log.stream === stream)?.lines ?? []

export const phaseOf = ({ phase }: Pick<Attempt, "phase">): JobPhase | undefined =>
  phase === "cleanup" ? undefined : phase
