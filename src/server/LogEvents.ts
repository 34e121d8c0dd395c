import { Option } from "effect"
import type { LogEnd, LogEvent } from "../api/LogEvent.ts"
import { wireTime } from "../api/WireTime.ts"
import type { Status } from "../domain/Status.ts"
import type { AttemptNews } from "./followAttempt.ts"
import { taskName } from "./liveLog.ts"
import {
  attemptKey,
  type AttemptProgress,
  encodeCursor,
  encodeEntry,
  type LogProgress,
  noProgress,
  runOf
} from "./LogCursor.ts"
import { type JobAttempt, testName } from "./LogQuery.ts"

/** Turns what is told of a job's attempts into events, each with the cursor to go on behind it. */
export class LogEvents {
  private jobId: string | undefined
  private run = runOf(undefined)
  private readonly record: string
  private readonly progress: Map<string, AttemptProgress>
  private readonly entries: Map<string, string>
  private readonly cursorRun: string | undefined

  constructor(status: Status, from: Option.Option<LogProgress>) {
    this.record = status.name
    this.cursorRun = Option.getOrUndefined(from)?.run
    this.progress = new Map(Option.match(from, { onNone: () => [], onSome: ({ attempts }) => attempts }))
    this.entries = new Map()
    this.identify(status.job_id)
    for (const [key, progress] of this.progress) this.entries.set(key, encodeEntry(key, progress))
  }

  /** The leader may have given the run its id only now. */
  name({ job_id: jobId }: Status): void {
    if (this.jobId !== undefined || jobId === undefined) return
    this.identify(jobId)
  }

  isOtherRun({ job_id: jobId }: Status): boolean {
    return this.jobId !== undefined && jobId !== undefined && jobId !== this.jobId
  }

  progressOf(attempt: JobAttempt): AttemptProgress {
    return this.progress.get(attemptKey(attempt)) ?? noProgress
  }

  /** Blank lines are left out. */
  take(news: AttemptNews, now: number): ReadonlyArray<LogEvent> {
    const { attempt } = news
    const key = attemptKey(attempt)
    const before = this.progressOf(attempt)
    const timestamp = wireTime(now)
    switch (news.kind) {
      case "done":
        this.note(key, { ...noProgress, done: true })
        return []
      case "notice":
        if (news.isLast) this.note(key, { ...before, notices: before.notices + 1 })
        return [this.event(attempt, timestamp, { level: "WARN", message: news.text, stream: "notice", offset: 0 })]
      case "lines":
        return news.lines.flatMap(({ position, start, text }) => {
          if (text.trim() === "") return []
          this.note(key, { ...before, streams: { ...before.streams, [news.stream]: position } })
          const message = `[${taskName}/${news.stream}] ${text}`
          return [this.event(attempt, timestamp, { level: "INFO", message, stream: news.stream, offset: start })]
        })
    }
  }

  end(reason: LogEnd["reason"], status: Status | undefined): LogEnd {
    const final = reason === "succeeded" || reason === "failed" || reason === "cancelled"
    return {
      job_id: this.id(),
      reason,
      ...(status === undefined ? {} : { status: status.status }),
      cursor: this.cursor(final)
    }
  }

  private event(
    attempt: JobAttempt,
    timestamp: string,
    line: Pick<LogEvent, "level" | "message" | "stream" | "offset">
  ): LogEvent {
    return {
      job_id: this.id(),
      phase: attempt.phase,
      timestamp,
      level: line.level,
      message: line.message,
      attempt: attempt.attempt,
      ...(attempt.test === undefined ? {} : { test: testName(attempt.test) }),
      nomad_job_id: attempt.nomad_job_id,
      stream: line.stream,
      offset: line.offset,
      cursor: this.cursor(false)
    }
  }

  private id(): string {
    return this.jobId ?? this.record
  }

  private cursor(ended: boolean): string {
    return encodeCursor(this.run, this.entries.values(), ended)
  }

  private note(key: string, progress: AttemptProgress): void {
    this.progress.set(key, progress)
    this.entries.set(key, encodeEntry(key, progress))
  }

  /** A cursor of another run says nothing about this one. */
  private identify(jobId: string | undefined): void {
    this.jobId = jobId
    this.run = runOf(jobId)
    if (this.cursorRun === this.run) return
    this.progress.clear()
    this.entries.clear()
  }
}
