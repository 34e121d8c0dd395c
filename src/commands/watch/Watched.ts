import type { JobState } from "../../api/JobState.ts"
import type { LogEvent } from "../../api/LogEvent.ts"

/** All that the live view shows of a job. */
export interface Watched {
  readonly state: JobState
  /** The newest, in their order. */
  readonly log: ReadonlyArray<LogEvent>
  /** Why the view may be behind what happens. */
  readonly trouble: string | undefined
  /** Milliseconds since the epoch. */
  readonly now: number
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
      return { ...watched, log: [...watched.log.slice(1 - linesKept), news.line] }
    case "trouble":
      return { ...watched, trouble: news.trouble }
    case "tick":
      return { ...watched, now: news.now }
  }
}

/** More than a window has rows. */
const linesKept = 200
