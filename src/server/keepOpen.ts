import type { Socket } from "node:net"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { HttpServerRequest } from "@effect/platform"
import { Duration, Effect } from "effect"

/** Keeps the server from ending this request's connection as idle while it waits for as long as this. */
export const keepOpen = (within: Duration.Duration): Effect.Effect<void, never, HttpServerRequest.HttpServerRequest> =>
  Effect.map(HttpServerRequest.HttpServerRequest, (request) => {
    keepSocketOpen(NodeHttpServerRequest.toIncomingMessage(request).socket, within)
  })

/** The same for the request's connection. */
export const keepSocketOpen = (socket: Socket, within: Duration.Duration): void => {
  socket.setTimeout(Duration.toMillis(within) + margin)
}

/** Milliseconds that the answer itself may take. */
const margin = 30_000
