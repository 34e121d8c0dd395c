import { Option } from "effect"
import type { LogStream } from "../store/LogArchive.ts"
import { type JobAttempt, testName } from "./LogQuery.ts"

/** A place in a log that a reader can begin at. */
export interface LogAnchor {
  /** Bytes before it as the task wrote them. */
  readonly raw: number
  /** The same as they are shown, which is how the archive has them. */
  readonly shown: number
  /** The number of the file that Nomad has the next byte in, and the byte's place there: Nomad forgets files from the first on. */
  readonly file: number
  readonly at: number
}

/** How far one stream of one attempt was sent; always at the end of a line. */
export interface LogPosition {
  /** The beginning of the allocation's id: what another one wrote is another log. */
  readonly allocation: string
  /** Bytes of the log as it is shown. */
  readonly shown: number
  /** Somewhere before: what is shown between the two was sent already. */
  readonly anchor: LogAnchor
}

export const logStart = (allocationId: string): LogPosition => ({
  allocation: allocationMark(allocationId),
  shown: 0,
  anchor: { raw: 0, shown: 0, file: 0, at: 0 }
})

export interface AttemptProgress {
  /** Everything of it was sent, notices included. */
  readonly done: boolean
  /** Lines at its end that say what is not there: so many were sent. */
  readonly notices: number
  readonly streams: Readonly<Partial<Record<LogStream, LogPosition>>>
}

/** What somebody who follows a job's logs has had of them. */
export interface LogProgress {
  /** The first part of the run's id: the next run of the same record begins from the start. */
  readonly run: string
  /** By `attemptKey`. */
  readonly attempts: ReadonlyMap<string, AttemptProgress>
  /** There is nothing more to come, ever. */
  readonly ended: boolean
}

/** Unique within a run. */
export const attemptKey = ({ attempt, phase, test }: JobAttempt): string => {
  if (phase !== "test" || test === undefined) return `${phase === "build" ? "b" : "p"}${attempt}`
  const name = testName(test)
  return `t${name === "entry-point" ? "e" : name}-${attempt}`
}

/**
 * The text that a client gives back to go on where it was. It says all that any replica needs, whether the rest is still
 * with Nomad or in the archive, and has only characters that a URL and a header take as they are.
 */
export const encodeCursor = (run: string, entries: Iterable<string>, ended: boolean): string =>
  [run, ...entries, ...(ended ? [endMark] : [])].join("~")

/** Of somebody who has had nothing yet. */
export const startCursor = (jobId: string | undefined): string => encodeCursor(runOf(jobId), [], false)

/** Of an attempt of which something was sent. */
export const encodeEntry = (key: string, { done, notices, streams }: AttemptProgress): string => {
  if (done) return key
  const positions = streamNames.map((stream) => encodePosition(stream, streams[stream]))
  return [key, ...positions, notices > 0 ? `.n${notices}` : ""].join("")
}

export const noProgress: AttemptProgress = { done: false, notices: 0, streams: {} }

/** None for what was never given out. */
export const decodeCursor = (text: string): Option.Option<LogProgress> => {
  if (text.length > longestCursor) return Option.none()
  const [run = "", ...parts] = text.split("~")
  const ended = parts.at(-1) === endMark
  const entries = (ended ? parts.slice(0, -1) : parts).map(decodeEntry)
  if (!runPattern.test(run) || entries.includes(undefined)) return Option.none()
  return Option.some({
    run,
    ended,
    attempts: new Map(entries.flatMap((entry) => (entry === undefined ? [] : [entry])))
  })
}

/** A name of a run for cursors: long enough to tell a record's runs apart. */
export const runOf = (jobId: string | undefined): string => (jobId ?? "").replaceAll("-", "").slice(0, 8) || noRun

export const allocationMark = (allocationId: string): string => allocationId.replaceAll("-", "").slice(0, 6)

/** Nothing of a run that nobody has given an id yet was ever sent. */
const noRun = "0"
const endMark = "end"
/** Sixty tests, each with three attempts under way at once, would still be below it. */
const longestCursor = 16 * 1024

const streamNames = ["stdout", "stderr"] as const

const runPattern = /^(?:[0-9a-f]{8}|0)$/
const entryPattern = /^([bp]\d{1,9}|t(?:e|\d{1,9})-\d{1,9})(?:\.o([\w-]+))?(?:\.e([\w-]+))?(?:\.n(\d{1,3}))?$/
const positionPattern =
  /^([0-9a-z]{1,6})-([0-9a-z]{1,10})-([0-9a-z]{1,10})(?:-([0-9a-z]{1,10})-([0-9a-z]{1,6})-([0-9a-z]{1,10}))?$/

const encodePosition = (stream: LogStream, position: LogPosition | undefined): string => {
  if (position === undefined) return ""
  const { allocation, anchor, shown } = position
  const { at, file, raw } = anchor
  const plain = raw === anchor.shown && at === raw && file === 0
  const numbers = [shown, shown - anchor.shown, ...(plain ? [] : [raw, file, at])]
  return `.${stream === "stdout" ? "o" : "e"}${[allocation, ...numbers.map((number) => number.toString(36))].join("-")}`
}

const decodeEntry = (text: string): readonly [string, AttemptProgress] | undefined => {
  const [, key, out, error, notices] = entryPattern.exec(text) ?? []
  if (key === undefined) return undefined
  const stdout = decodePosition(out)
  const stderr = decodePosition(error)
  if (stdout === "bad" || stderr === "bad") return undefined
  const streams = { ...(stdout && { stdout }), ...(stderr && { stderr }) }
  const done = out === undefined && error === undefined && notices === undefined
  return [key, { done, notices: Number(notices ?? 0), streams }]
}

const decodePosition = (text: string | undefined): LogPosition | "bad" | undefined => {
  if (text === undefined) return undefined
  const [, allocation, ...digits] = positionPattern.exec(text) ?? []
  if (allocation === undefined) return "bad"
  const [shown = 0, back = 0, ...place] = digits
    .filter((found) => found !== undefined)
    .map((found) => Number.parseInt(found, 36))
  const anchored = shown - back
  if (anchored < 0) return "bad"
  const [raw = anchored, file = 0, at = anchored] = place
  return { allocation, shown, anchor: { raw, shown: anchored, file, at } }
}
