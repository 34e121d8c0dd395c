import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { HttpServerRequest } from "@effect/platform"
import { Duration, Effect } from "effect"

/** Keeps the server from ending this request's connection as idle while it waits for as long as this. */
export const keepOpen = (within: Duration.Duration): Effect.Effect<void, never, HttpServerRequest.HttpServerRequest> =>
  Effect.map(HttpServerRequest.HttpServerRequest, (request) => {
    NodeHttpServerRequest.toIncomingMessage(request).socket.setTimeout(Duration.toMillis(within) + margin)
  })

/** Milliseconds that the answer itself may take. */
const margin = 30_000
