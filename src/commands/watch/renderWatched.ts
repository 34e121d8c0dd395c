import { isTerminal, type JobStatus } from "../../domain/Status.ts"
import { padded } from "../terminal/displayWidth.ts"
import type { Size } from "../terminal/frameChange.ts"
import { plainText } from "../terminal/plainText.ts"
import { elapsed, type PhaseRow, type ProgressRow, progressRows } from "./progressRows.ts"
import { stateSymbol } from "./stateSymbol.ts"
import { type Tone, toned } from "./tone.ts"
import type { LogLine, Watched } from "./Watched.ts"

/** The live view in so many rows. Where they are few, what matters least gives way first, and the log never wholly. */
export const renderWatched = (watched: Watched, size: Size, colour: boolean): ReadonlyArray<string> => {
  const least = watched.log.length === 0 ? 0 : 1 + Math.min(watched.log.length, size.rows < lowWindow ? 1 : 3)
  const above = layouts.map((layout) => layout(watched, colour))
  const chosen = above.find(({ length }) => length + least <= size.rows) ?? above.at(-1) ?? []
  const room = size.rows - chosen.length - 1
  if (room < 1 || watched.log.length === 0) return chosen
  const lines = watched.log.slice(-room).map((line) => logLine(line, size.columns >= labelColumns, colour))
  return [...chosen, toned(colour, "dim", `── log ${"─".repeat(Math.max(0, size.columns - 7))}`), ...lines]
}

/** What stays on the screen of a job that is over. */
export const renderSummary = (watched: Watched, colour: boolean): ReadonlyArray<string> => [
  title(watched, colour),
  ...target(watched, colour),
  ...phases(watched, colour, everyTest)
]

/** Rows below which one line of the log has to do. */
const lowWindow = 10

/** Columns below which a line of the log needs all of them. */
const labelColumns = 60

type Layout = (watched: Watched, colour: boolean) => ReadonlyArray<string>

/** From the richest to the poorest. */
const layouts: ReadonlyArray<Layout> = [
  (watched, colour) => [
    title(watched, colour),
    ...target(watched, colour),
    "",
    ...phases(watched, colour, everyTest),
    ...notes(watched, colour),
    "",
    hint(colour)
  ],
  (watched, colour) => [
    title(watched, colour),
    ...phases(watched, colour, everyTest),
    ...notes(watched, colour),
    hint(colour)
  ],
  (watched, colour) => [title(watched, colour), ...phases(watched, colour, fewTests), ...notes(watched, colour)],
  (watched, colour) => [title(watched, colour), ...phases(watched, colour, noTests), ...notes(watched, colour)],
  (watched, colour) => [title(watched, colour), ...notes(watched, colour)]
]

const title = ({ now, state }: Watched, colour: boolean): string => {
  const { job_id: id, metrics, name, status } = state
  const over = isTerminal(status) ? (metrics.job_end ?? state.updated_at) : undefined
  const lasted = elapsed(metrics.job_start ?? state.created_at, over, now)
  const which = toned(colour, "strong", plainText(name === id ? id : `${name} (${id})`))
  return `${stateSymbol(status)} ${toned(colour, statusTone(status), status)} ${lasted}  ${which}`
}

const target: Layout = ({ state: { config } }, colour) => {
  if (config === undefined) return []
  const { git_ref: ref, image_name: image, registry_url: registry, repo_url: repository } = config
  return [toned(colour, "dim", plainText(`${registry}/${image} from ${repository}${ref === "" ? "" : ` at ${ref}`}`))]
}

const hint = (colour: boolean): string => toned(colour, "dim", "Ctrl-C stops watching; the job goes on.")

/** Which tests have a row, and what stands for the others. */
type TestChoice = (tests: ReadonlyArray<ProgressRow>) => {
  readonly shown: ReadonlyArray<ProgressRow>
  readonly more: number
}

const everyTest: TestChoice = (tests) => ({ shown: tests, more: 0 })
const noTests: TestChoice = () => ({ shown: [], more: 0 })
const fewTests: TestChoice = (tests) => {
  const noted = tests.filter(({ isNoted }) => isNoted)
  return { shown: noted.slice(0, 4), more: Math.max(0, noted.length - 4) }
}

const phases = ({ now, state }: Watched, colour: boolean, choose: TestChoice): ReadonlyArray<string> =>
  progressRows(state, now).flatMap((phase) => {
    const { more, shown } = choose(phase.tests)
    return [
      phaseLine(phase, colour),
      ...shown.map((test) => testLine(test, colour)),
      ...(more === 0 ? [] : [toned(colour, "dim", `${" ".repeat(testColumn)}and ${more} more`)])
    ]
  })

const phaseLine = ({ detail, duration, name, symbol, tone }: PhaseRow, colour: boolean): string =>
  `${symbol} ${padded(toned(colour, tone, name), 7)} ${duration.padStart(9)}  ${toned(colour, detailTone(tone), oneLine(detail))}`.trimEnd()

const testLine = ({ detail, duration, name, symbol, tone }: ProgressRow, colour: boolean): string => {
  const words = toned(colour, detailTone(tone), oneLine(detail))
  return `   ${symbol} ${duration.padStart(14)}  ${oneLine(name)}${words === "" ? "" : `  ${words}`}`.trimEnd()
}

const testColumn = 22

const detailTone = (tone: Tone): Tone => (tone === "bad" || tone === "odd" ? tone : "dim")

const notes: Layout = ({ now, state, trouble }, colour) => {
  const { stopping, waiting } = state
  const queued =
    waiting === undefined
      ? []
      : [`⏳ Position ${waiting.position} for ${elapsed(waiting.since, undefined, now)}: ${waiting.message}`]
  const ending = stopping === undefined || isTerminal(state.status) ? [] : [`🛑 ${stopping.message}`]
  const behind = trouble === undefined ? [] : [`❗ ${trouble}`]
  return [...queued, ...ending, ...behind].map((note) => toned(colour, "odd", oneLine(note)))
}

const logLine = ({ isNotice, source, text }: LogLine, labelled: boolean, colour: boolean): string => {
  const shown = toned(colour, isNotice ? "odd" : "plain", text)
  return labelled ? `${padded(toned(colour, "dim", source), sourceWidth)} ${shown}` : shown
}

const sourceWidth = "entry point".length

/** Characters of a foreign text that are looked at: no row shows more, and it is drawn often. */
const textLength = 500

const oneLine = (text: string): string => plainText(text.slice(0, textLength)).replaceAll("\t", "  ")

const statusTone = (status: JobStatus): Tone => {
  if (status === "SUCCEEDED") return "good"
  if (status === "FAILED") return "bad"
  return status === "PENDING" ? "odd" : "busy"
}
