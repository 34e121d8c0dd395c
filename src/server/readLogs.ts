import { Effect, Option, Stream } from "effect"
import type { JobPhase, Status } from "../domain/Status.ts"
import type { ApiError } from "../http/ApiError.ts"
import type { Nomad } from "../nomad/Nomad.ts"
import type { LogArchive, LogStream } from "../store/LogArchive.ts"
import { readArchived } from "./archivedLog.ts"
import { type Gap, type Line, makeLineWindow } from "./LineWindow.ts"
import type { LogFilter } from "./LiveLogFilter.ts"
import { type LiveSource, readLive, readLiveEnd, streamLive, taskName } from "./liveLog.ts"
import { endNotices, failedToGet, sectionHeader, waitingNotices } from "./logNotices.ts"
import { attemptsWanted, type JobAttempt, type LogQuery } from "./LogQuery.ts"

/** Lines of a job's logs by phase, as the HTTP interface has them. */
export interface JobLines {
  readonly build: ReadonlyArray<string>
  readonly test: ReadonlyArray<string>
  readonly publish: ReadonlyArray<string>
}

export interface ReadTools {
  readonly nomad: Nomad["Type"]
  readonly archive: LogArchive["Type"]
  readonly filter: () => LogFilter
}

/**
 * The lines that a query is about: from the archive once an attempt has ended, and from Nomad while it runs, bounded alike.
 * What Nomad refuses is said in a line; only the store's own errors fail it.
 */
export const readLogs = Effect.fn("readLogs")(function* (
  tools: ReadTools,
  status: Status,
  query: LogQuery,
  now: number
): Effect.fn.Return<JobLines, ApiError> {
  const wanted = attemptsWanted(status, query, now)
  const ofPhase = (phase: JobPhase) =>
    readPhase(
      tools,
      status,
      wanted.filter((attempt) => attempt.phase === phase),
      query
    )
  const [build, test, publish] = yield* Effect.all([ofPhase("build"), ofPhase("test"), ofPhase("publish")])
  return { build, test, publish }
})

/** The logs as they were written, without marks of their own: each stream behind a headline if there is more than one. */
export const rawLogs = (
  tools: ReadTools,
  status: Status,
  query: LogQuery,
  now: number
): Stream.Stream<Uint8Array, ApiError> => {
  const wanted = attemptsWanted(status, query, now).flatMap((attempt) =>
    streamsWanted(query).map((stream) => ({ attempt, stream }))
  )
  return Stream.flatMap(Stream.fromIterable(wanted), ({ attempt, stream }) => {
    const headline = `=== ${attempt.nomad_job_id} ${stream} ===\n`
    const body = rawStream(tools, status, attempt, stream)
    return wanted.length === 1 ? body : Stream.concat(Stream.make(encoder.encode(headline)), endingLine(body))
  })
}

/** What an attempt has of one stream, or why it has nothing. */
type Found =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "nothing" }
  | { readonly kind: "notices"; readonly texts: ReadonlyArray<string> }

const encoder = new TextEncoder()

const streamsWanted = ({ stream }: LogQuery): ReadonlyArray<LogStream> =>
  stream === undefined ? ["stdout", "stderr"] : [stream]

const readPhase = Effect.fnUntraced(function* (
  tools: ReadTools,
  status: Status,
  attempts: ReadonlyArray<JobAttempt>,
  query: LogQuery
) {
  const window = makeLineWindow(query)
  for (const [section, attempt] of attempts.entries()) {
    if (window.isFull()) break
    yield* readAttempt(tools, status, attempt, query, (text) => window.add({ section, text }))
  }
  const isWhole = query.grep === undefined && query.head === undefined && query.tail === undefined
  return written(window.end(), attempts, status, isWhole)
})

const readAttempt = Effect.fnUntraced(function* (
  tools: ReadTools,
  status: Status,
  attempt: JobAttempt,
  query: LogQuery,
  add: (text: string) => void
) {
  const { grep = "" } = query
  const notices = new Set<string>()
  let found = false
  for (const stream of streamsWanted(query)) {
    const part = yield* readStream(tools, status, attempt, stream, query)
    if (part.kind === "notices") part.texts.forEach((text) => notices.add(text))
    if (part.kind !== "bytes") continue
    for (const text of linesOf(part.bytes)) {
      found = true
      if (text.includes(grep)) add(`[${taskName}/${stream}] ${text}`)
    }
  }
  if (!found && attempt.outcome !== undefined) found = !(yield* nothingKept(tools, status, attempt))
  // Not searched: whoever looks for a word must learn that there was nothing to look in.
  for (const text of [...notices, ...endNotices(attempt, status.attempts, found)]) add(text)
})

/** With headers; without those of attempts that have no line left when lines were chosen. */
const written = (
  lines: ReadonlyArray<Line | Gap>,
  attempts: ReadonlyArray<JobAttempt>,
  status: Status,
  isWhole: boolean
): ReadonlyArray<string> => {
  const all: Array<string> = []
  let open = -1
  const close = () => {
    if (attempts[open]?.phase === "test") all.push("")
  }
  const moveTo = (section: number) => {
    while (open < section) {
      close()
      open = isWhole ? open + 1 : section
      const attempt = attempts[open]
      const header = attempt === undefined ? undefined : sectionHeader(attempt, status.attempts)
      if (header !== undefined) all.push(header)
    }
  }
  for (const line of lines) {
    if ("omitted" in line) {
      all.push(`[${line.omitted} lines were left out here]`)
      continue
    }
    moveTo(line.section)
    all.push(line.text)
  }
  if (isWhole) moveTo(attempts.length - 1)
  close()
  return all
}

const readStream = Effect.fnUntraced(function* (
  tools: ReadTools,
  status: Status,
  attempt: JobAttempt,
  stream: LogStream,
  query: LogQuery
): Effect.fn.Return<Found, ApiError> {
  const { archive } = tools
  const fromArchive = Effect.map(
    readArchived(archive, status.name, attempt.nomad_job_id, stream),
    Option.match({
      onNone: (): Found => ({ kind: "nothing" }),
      onSome: ({ kept }): Found => ({ kind: "bytes", bytes: kept })
    })
  )
  if (attempt.outcome !== undefined) {
    const damaged = (error: ApiError) => notice(failedToGet(attempt, status.attempts, error.message))
    return yield* Effect.catchTag(fromArchive, "Invalid", (error) => Effect.succeed(damaged(error)))
  }
  const { allocation_id: allocationId } = attempt
  if (allocationId === undefined) return { kind: "notices", texts: waitingNotices(attempt) }
  return yield* readRunning({ ...tools, allocationId, stream }, query).pipe(
    Effect.map((bytes): Found => ({ kind: "bytes", bytes })),
    // It ended a moment ago: its log is in the archive before its status says so.
    Effect.catchTag("NotFound", () => fromArchive),
    Effect.catchAll((error) =>
      error.system === "nomad"
        ? Effect.succeed(notice(failedToGet(attempt, status.attempts, error.message)))
        : Effect.fail(error)
    )
  )
})

const notice = (text: string): Found => ({ kind: "notices", texts: [text] })

const readRunning = Effect.fnUntraced(function* (source: LiveSource, { grep, head, tail }: LogQuery) {
  if (tail !== undefined && head === undefined && grep === undefined) {
    const end = yield* readLiveEnd(source, tail)
    if (Option.isSome(end)) return end.value
  }
  return (yield* readLive(source)).kept
})

/** Whether the archive has nothing of either stream. */
const nothingKept = ({ archive }: ReadTools, { name }: Status, { nomad_job_id: id }: JobAttempt) =>
  Effect.map(
    Effect.all([archive.find(name, id, "stdout"), archive.find(name, id, "stderr")]),
    (found) => !found.some(Option.isSome)
  )

const rawStream = (
  tools: ReadTools,
  status: Status,
  attempt: JobAttempt,
  stream: LogStream
): Stream.Stream<Uint8Array, ApiError> => {
  const notices = Effect.map(nothingKept(tools, status, attempt), (nothing) =>
    (attempt.outcome === undefined ? waitingNotices(attempt) : endNotices(attempt, status.attempts, !nothing)).map(
      (text) => encoder.encode(`${text}\n`)
    )
  )
  const archived = Stream.fromIterableEffect(
    Effect.flatMap(
      readArchived(tools.archive, status.name, attempt.nomad_job_id, stream),
      Option.match({ onNone: () => notices, onSome: ({ kept }) => Effect.succeed([kept]) })
    )
  )
  if (attempt.outcome !== undefined || attempt.allocation_id === undefined) return archived
  return Stream.catchTag(
    streamLive({ ...tools, allocationId: attempt.allocation_id, stream }),
    "NotFound",
    () => archived
  )
}

/** A newline where the last line has none: the next headline begins a line. */
const endingLine = <E>(bytes: Stream.Stream<Uint8Array, E>): Stream.Stream<Uint8Array, E> =>
  Stream.suspend(() => {
    let last: number | undefined
    const seen = Stream.tap(bytes, (piece) => Effect.sync(() => (last = piece.at(-1) ?? last)))
    return Stream.concat(
      seen,
      Stream.suspend(() =>
        last === undefined || last === newline ? Stream.empty : Stream.make(Uint8Array.of(newline))
      )
    )
  })

const newline = 10

/** Lines that have anything in them, one at a time: the log is there whole, its lines need not be. */
function* linesOf(bytes: Uint8Array): Generator<string> {
  const text = new TextDecoder().decode(bytes)
  for (let start = 0; start < text.length;) {
    const end = text.indexOf("\n", start)
    const stop = end < 0 ? text.length : end
    const line = text.slice(start, text[stop - 1] === "\r" ? stop - 1 : stop)
    if (line.trim() !== "") yield line
    start = stop + 1
  }
}
