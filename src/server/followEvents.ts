import { HttpServerRequest } from "@effect/platform"
import { toIncomingMessage } from "@effect/platform-node/NodeHttpServerRequest"
import { Chunk, Duration, Effect, Schema, Stream } from "effect"
import { LogEnd, logEventText } from "../api/LogEvent.ts"
import type { LogItem } from "./followJob.ts"
import { serverSentEvents } from "./serverSentEvents.ts"

/** Server-sent events: a line each, with its cursor as id, then `end` with the reason why there are no more. */
export const followEvents = Effect.fn("followEvents")(function* <R>(items: Stream.Stream<LogItem, never, R>) {
  const request = yield* HttpServerRequest.HttpServerRequest
  // The answer is written outside of what the request was given: who asks, and what it asks of.
  const context = yield* Effect.context<R>()
  yield* Effect.sync(() => toIncomingMessage(request).socket.setTimeout(Duration.toMillis(patience)))
  return serverSentEvents(
    Stream.mapChunks(items, (chunk) => Chunk.of(Chunk.join(Chunk.map(chunk, eventText), ""))).pipe(
      Stream.provideContext(context)
    )
  )
})

/**
 * A reader who takes nothing for so long is gone or too slow: a heartbeat is there to be taken every 15 s. Node lets it
 * pass once when the system has taken a part of the last write, so it may be a minute in all.
 */
const patience = Duration.seconds(30)

const encodeEnd = Schema.encodeSync(Schema.parseJson(LogEnd))

const eventText = (item: LogItem): string =>
  item.kind === "line"
    ? `id: ${item.event.cursor}\ndata: ${logEventText(item.event)}\n\n`
    : `event: end\nid: ${item.end.cursor}\ndata: ${encodeEnd(item.end)}\n\n`
