import { HttpServerResponse } from "@effect/platform"
import { Duration, Schema, Stream } from "effect"

/** One event; its data is one line of JSON. */
export const serverSentEvent = (event: string, data: unknown, id?: string): string =>
  `${id === undefined ? "" : `id: ${id}\n`}event: ${event}\ndata: ${encode(data)}\n\n`

/**
 * An event stream. It begins at once, since its headers are not sent before its first bytes, and says that it is alive
 * while nothing happens: proxies and clients take silence for a broken connection.
 */
export const serverSentEvents = (events: Stream.Stream<string>): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.stream(
    Stream.make(": open\n\n").pipe(
      Stream.concat(Stream.merge(events, heartbeats, { haltStrategy: "left" })),
      Stream.encodeText
    ),
    { contentType: "text/event-stream", headers: { "cache-control": "no-store", "x-accel-buffering": "no" } }
  )

const heartbeats = Stream.drop(Stream.tick(Duration.seconds(15)), 1).pipe(Stream.map(() => ": alive\n\n"))

const encode = Schema.encodeSync(Schema.parseJson(Schema.Unknown))
