import { Duration } from "effect"
import type { JobState } from "../../api/JobState.ts"
import { formatGoDuration } from "../../domain/GoDuration.ts"
import { newestOf } from "../../domain/phaseState.ts"
import { isTerminal, type JobPhase } from "../../domain/Status.ts"
import type { Tone } from "./tone.ts"

/** One step of a job, or one of its tests. */
export interface ProgressRow {
  readonly symbol: string
  readonly tone: Tone
  readonly name: string
  /** Empty before it runs. */
  readonly duration: string
  readonly detail: string
  /** Needs looking at more than its neighbours. */
  readonly isNoted: boolean
}

export interface PhaseRow extends ProgressRow {
  readonly tests: ReadonlyArray<ProgressRow>
}

/** Where a job stands, a row for each phase. What needs no test is published by its build. */
export const progressRows = (state: JobState, now: number): ReadonlyArray<PhaseRow> => [
  phaseRow(state, "build", now, []),
  ...(hasTests(state) ? [testRow(state, now)] : []),
  ...(hasTests(state) || has(state, "publish") ? [phaseRow(state, "publish", now, [])] : [])
]

/** From this time until that one, or until now. */
export const elapsed = (from: string | undefined, to: string | undefined, now: number): string => {
  if (from === undefined) return ""
  const end = to === undefined ? now : Date.parse(to)
  // The clock here and the service's needn't agree.
  return formatGoDuration(Duration.millis(Math.max(0, end - Date.parse(from))))
}

type AttemptState = JobState["attempts"][number]
type Look = Pick<ProgressRow, "symbol" | "tone" | "detail" | "isNoted">

const hasTests = ({ attempts, config }: JobState): boolean =>
  (config?.test?.commands ?? []).length > 0 || config?.test?.entry_point === true || has({ attempts }, "test")

const has = ({ attempts }: Pick<JobState, "attempts">, wanted: JobPhase): boolean =>
  attempts.some(({ phase }) => phase === wanted)

const phaseRow = (
  state: JobState,
  phase: JobPhase,
  now: number,
  tests: ReadonlyArray<ProgressRow>,
  more: Partial<Look> = {}
): PhaseRow => {
  const { metrics } = state
  const [start, end] = {
    build: [metrics.build_start, metrics.build_end],
    test: [metrics.test_start, metrics.test_end],
    publish: [metrics.publish_start, metrics.publish_end]
  }[phase]
  const [attempt] = [...newestOf(state.attempts, phase)].toSorted((a, b) => urgency(b) - urgency(a))
  return {
    name: phase,
    duration: elapsed(start, end ?? overAt(state), now),
    ...lookOf(state, phase, attempt),
    ...more,
    tests
  }
}

/** Of several the one that says most about all of them. */
const urgency = ({ result, started_at }: AttemptState): number => {
  if (result === undefined) return started_at === undefined ? 2 : 3
  return result === "succeeded" ? 0 : 1
}

const overAt = ({ metrics, status, updated_at }: JobState): string | undefined =>
  isTerminal(status) ? (metrics.job_end ?? updated_at) : undefined

const testRow = (state: JobState, now: number): PhaseRow => {
  const newest = newestOf(state.attempts, "test")
  const { commands = [], entry_point: entryPoint } = state.config?.test ?? {}
  const steps = [
    ...commands.map((command, index) => ({ name: command, index })),
    ...(entryPoint === true ? [{ name: "entry point", index: undefined }] : [])
  ]
  const tests = steps.map(({ index, name }) => {
    const attempt = newest.find(({ test }) => (test?.kind === "command" ? test.index === index : index === undefined))
    const duration = elapsed(attempt?.started_at, attempt?.finished_at ?? overAt(state), now)
    return { name, duration, ...lookOf(state, "test", attempt) }
  })
  const passed = newest.filter(({ result }) => result === "succeeded").length
  return phaseRow(
    state,
    "test",
    now,
    tests,
    newest.length === 0 ? {} : { detail: `${passed} of ${steps.length} passed` }
  )
}

const lookOf = (state: JobState, phase: JobPhase, attempt: AttemptState | undefined): Look => {
  if (attempt === undefined) {
    return { symbol: "⬜", tone: "dim", detail: isTerminal(state.status) ? "not run" : "", isNoted: false }
  }
  const { attempt: number, message = "", result } = attempt
  const detail = (...words: ReadonlyArray<string>) =>
    [number > 1 ? `attempt ${number}` : "", ...words].filter((word) => word !== "").join(", ")
  switch (result) {
    case undefined:
      return attempt.started_at === undefined
        ? { symbol: "⏳", tone: "odd", detail: detail(attempt.waiting ?? "waits for a node"), isNoted: true }
        : { symbol: running[phase], tone: "busy", detail: detail(onNode(attempt)), isNoted: true }
    case "succeeded":
      return { symbol: "✅", tone: "good", detail: detail(onNode(attempt)), isNoted: false }
    case "stopped":
      return { symbol: "🛑", tone: "odd", detail: detail(message), isNoted: true }
    case "failed":
      return isTriedAgain(state, attempt)
        ? { symbol: "🔁", tone: "odd", detail: detail("is tried again", message), isNoted: true }
        : { symbol: "❌", tone: "bad", detail: detail(message), isNoted: true }
  }
}

/** As far as can be told from here: the controller counts the attempts. */
const isTriedAgain = ({ status }: JobState, { infrastructure }: AttemptState): boolean =>
  infrastructure === true && !isTerminal(status)

const onNode = ({ node }: AttemptState): string => (node === undefined || node === "" ? "" : `on ${node}`)

const running = { build: "🔨", test: "🧪", publish: "📦" } as const
