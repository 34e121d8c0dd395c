import { HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { Effect, Stream } from "effect"
import { logEventText } from "../api/LogEvent.ts"
import { acceptWebSocket, type OutgoingSocket } from "./acceptWebSocket.ts"
import type { LogItem } from "./followJob.ts"

/** Sends each line as a frame of its own, and closes with the reason why there are no more. */
export const followSocket = Effect.fn("followSocket")(
  function* <R>(items: Stream.Stream<LogItem, never, R>) {
    const request = yield* HttpServerRequest.HttpServerRequest
    const socket = yield* acceptWebSocket(request)
    const sent = Stream.runForEach(items, (item) => sendItem(socket, item)).pipe(
      Effect.catchTag("SlowReader", ({ message }) => socket.close(closeCodes["slow reader"], message)),
      Effect.catchAllDefect((defect) =>
        Effect.zipRight(Effect.logError("bug in a log stream", defect), socket.close(1011, "internal error"))
      )
    )
    yield* Effect.raceFirst(sent, socket.gone)
    // The upgrade was the answer; nobody is there any more to read another one.
    return HttpServerResponse.empty()
  },
  Effect.scoped,
  // An answer with a body would wait for ever until the socket, which is closed, has taken it.
  Effect.catchTag("NoHandshake", () => Effect.succeed(HttpServerResponse.empty({ status: 400 })))
)

const sendItem = (socket: OutgoingSocket, item: LogItem) =>
  item.kind === "line"
    ? socket.send(logEventText(item.event))
    : socket.close(closeCodes[item.end.reason], item.end.reason)

/** RFC 6455, section 7.4: normal, going away, policy; and of our own what HTTP says. */
const closeCodes = {
  succeeded: 1000,
  failed: 1000,
  cancelled: 1000,
  superseded: 1000,
  shutdown: 1001,
  "slow reader": 1008,
  "not found": 4404
} as const
