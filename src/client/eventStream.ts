import { Option, Stream } from "effect"

/** One server-sent event. */
export interface SentEvent {
  readonly event: string
  readonly data: string
  /** The id that was in force with it: what to resume after. */
  readonly id: string | undefined
}

/** The events of a `text/event-stream`. What it breaks off in the middle of is dropped, as the standard wants it. */
export const eventsOf = <E, R>(bytes: Stream.Stream<Uint8Array, E, R>): Stream.Stream<SentEvent, E, R> =>
  bytes.pipe(
    Stream.decodeText(),
    Stream.splitLines,
    Stream.mapAccum(blank, (draft, line) => {
      if (line !== "") return [withLine(draft, line), Option.none<SentEvent>()]
      const done: SentEvent = { event: draft.event, data: draft.data.join("\n"), id: draft.id }
      return [{ ...blank, id: draft.id }, draft.data.length === 0 ? Option.none<SentEvent>() : Option.some(done)]
    }),
    Stream.filterMap((event) => event),
    Stream.rechunk(1)
  )

interface Draft {
  readonly event: string
  readonly data: ReadonlyArray<string>
  readonly id: string | undefined
}

const blank: Draft = { event: "message", data: [], id: undefined }

const withLine = (draft: Draft, line: string): Draft => {
  const mark = line.indexOf(":")
  const [name, rest] = mark < 0 ? [line, ""] : [line.slice(0, mark), line.slice(mark + 1)]
  const value = rest.startsWith(" ") ? rest.slice(1) : rest
  switch (name) {
    case "event":
      return { ...draft, event: value }
    case "data":
      return { ...draft, data: [...draft.data, value] }
    case "id":
      return { ...draft, id: value }
    default:
      // A comment, or a field that this client has no use for.
      return draft
  }
}
