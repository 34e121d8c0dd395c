import type { JobState } from "../../api/JobState.ts"
import type { LogEvent } from "../../api/LogEvent.ts"
import { plainLogLine, withoutStreamMark } from "../terminal/plainText.ts"

/** All that the live view shows of a job. */
export interface Watched {
  readonly state: JobState
  /** The newest lines, in their order. */
  readonly log: ReadonlyArray<LogLine>
  /** Why the view may be behind what happens. */
  readonly trouble: string | undefined
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** A line of the job's log as it can be shown: nothing in it steers a terminal. */
export interface LogLine {
  /** Which step wrote it. */
  readonly source: string
  readonly text: string
  /** The service's own words about the log. */
  readonly isNotice: boolean
}

export type News =
  | { readonly kind: "state"; readonly state: JobState }
  | { readonly kind: "line"; readonly line: LogEvent }
  | { readonly kind: "trouble"; readonly trouble: string }
  | { readonly kind: "tick"; readonly now: number }

export const beginWatching = (state: JobState, now: number): Watched => ({ state, log: [], trouble: undefined, now })

export const take = (watched: Watched, news: News): Watched => {
  switch (news.kind) {
    case "state":
      return { ...watched, state: news.state, trouble: undefined }
    case "line":
      return { ...watched, log: [...watched.log.slice(1 - linesKept), logLineOf(news.line)] }
    case "trouble":
      return { ...watched, trouble: news.trouble }
    case "tick":
      return { ...watched, now: news.now }
  }
}

/** More than a window has rows. */
const linesKept = 200

/** Characters: no window shows more. */
const lineLength = 2000

const logLineOf = (event: LogEvent): LogLine => ({
  source: sourceOf(event),
  text: withoutStreamMark(plainLogLine(event.message)).slice(0, lineLength).replaceAll("\t", "  "),
  isNotice: event.level === "WARN"
})

const sourceOf = ({ phase, test }: LogEvent): string => {
  if (test === undefined) return phase
  return test === "entry-point" ? "entry point" : `test ${test}`
}
