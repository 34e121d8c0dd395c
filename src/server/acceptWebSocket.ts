import type { HttpServerRequest } from "@effect/platform"
import { toIncomingMessage } from "@effect/platform-node/NodeHttpServerRequest"
import { Data, Effect, type Scope } from "effect"
import { WebSocket, WebSocketServer } from "ws"

/** What is sent isn't read: so much is waiting already. */
export class SlowReader extends Data.TaggedError("SlowReader")<{}> {
  override get message(): string {
    return "slow reader"
  }
}

/** The request asks for a WebSocket in a way that nobody can grant. It was answered with what is wrong, and is closed. */
export class NoHandshake extends Data.TaggedError("NoHandshake")<{}> {}

/** A WebSocket that only we have something to say on. */
export interface OutgoingSocket {
  /** Waits while much is waiting to be read. */
  readonly send: (text: string) => Effect.Effect<void, SlowReader>
  /** With a code and a reason, and without the other side if it doesn't answer. */
  readonly close: (code: number, reason: string) => Effect.Effect<void>
  /** The other side is gone, closed it, or doesn't answer any more. */
  readonly gone: Effect.Effect<void>
}

export const isUpgrade = ({ headers }: HttpServerRequest.HttpServerRequest): boolean =>
  headers["upgrade"]?.toLowerCase() === "websocket"

/**
 * Answers the request with an upgrade. Closing the scope closes the socket, within half a second.
 *
 * It is not the platform's own upgrade: that one takes frames of 100 MiB, has no heartbeat, and writes whatever it is
 * given into memory.
 */
export const acceptWebSocket = (
  request: HttpServerRequest.HttpServerRequest
): Effect.Effect<OutgoingSocket, NoHandshake, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(upgraded(request), (socket) => close(socket, 1001, "shutdown")),
    (socket): OutgoingSocket => ({
      send: sender(socket),
      close: (code, reason) => close(socket, code, reason),
      gone: Effect.raceFirst(closed(socket), unanswered(socket))
    })
  )

/** Readers have nothing to say but that they are there, and that they leave. */
const upgrades = new WebSocketServer({
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  maxPayload: 4096
})

const upgraded = (request: HttpServerRequest.HttpServerRequest) =>
  Effect.async<WebSocket, NoHandshake>((resume) => {
    const message = toIncomingMessage(request)
    const { socket } = message
    // A handshake that is none is refused without a word to us.
    const gone = () => resume(new NoHandshake())
    socket.once("close", gone)
    // A client has nothing to say before the upgrade is answered, so there are no bytes behind its request.
    upgrades.handleUpgrade(message, socket, Buffer.alloc(0), (accepted) => {
      socket.off("close", gone)
      // What is wrong closes the socket, too; without a listener it would end the process.
      accepted.on("error", () => {})
      resume(Effect.succeed(accepted))
    })
  })

/** Characters after which it waits until they have left this process: so many wait for one reader, and others get their turn. */
const atOnce = 64 * 1024

/** Whoever doesn't take them in this time reads too slowly. */
const patience = "1 minute"

const sender = (socket: WebSocket): OutgoingSocket["send"] => {
  let sent = 0
  return (text) =>
    Effect.suspend(() => {
      // Whoever sends is ended soon by what tells that the other side is gone; until then there is nothing to hurry for.
      if (socket.readyState !== WebSocket.OPEN) return Effect.never
      sent += text.length
      if (sent < atOnce) return Effect.sync(() => socket.send(text))
      sent = 0
      return Effect.async<void>((resume) => {
        socket.send(text, () => resume(Effect.void))
      }).pipe(Effect.timeoutFail({ duration: patience, onTimeout: () => new SlowReader() }))
    })
}

const closed = (socket: WebSocket): Effect.Effect<void> =>
  Effect.async<void>((resume) => {
    if (socket.readyState === WebSocket.CLOSED) return resume(Effect.void)
    const done = () => resume(Effect.void)
    socket.once("close", done)
    return Effect.sync(() => socket.off("close", done))
  })

const close = (socket: WebSocket, code: number, reason: string): Effect.Effect<void> =>
  Effect.suspend(() => {
    if (socket.readyState === WebSocket.CLOSED) return Effect.void
    socket.close(code, reason)
    return closed(socket).pipe(
      Effect.timeoutTo({ duration: "400 millis", onSuccess: () => {}, onTimeout: () => socket.terminate() }),
      Effect.interruptible
    )
  })

/** Two heartbeats in a row without an answer, while nothing was waiting to be read. */
const unanswered = (socket: WebSocket): Effect.Effect<void> =>
  Effect.gen(function* () {
    let missed = 0
    const heard = () => {
      missed = 0
    }
    yield* Effect.acquireRelease(
      Effect.sync(() => socket.on("pong", heard)),
      () => Effect.sync(() => socket.off("pong", heard))
    )
    while (missed < 2) {
      if (socket.readyState === WebSocket.OPEN) socket.ping()
      missed += 1
      yield* Effect.sleep("25 seconds")
      if (socket.bufferedAmount > 0) missed = 0
    }
  }).pipe(Effect.scoped)
