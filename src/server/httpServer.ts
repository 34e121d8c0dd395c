import type { EventEmitter } from "node:events"
import { createServer, type Server } from "node:http"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { type HttpApp, HttpMiddleware, type HttpServerRequest } from "@effect/platform"
import type { ServeError } from "@effect/platform/HttpServerError"
import { Deferred, Duration, Effect, Schedule, type Scope } from "effect"
import type { Shortcut } from "./answerDirectly.ts"
import { Stopping } from "./Stopping.ts"

/**
 * Serves until the scope closes, on this address and no other. Then it takes no more requests, tells those that wait or
 * stream, gives the others a moment, and cuts what is left. Answers with the port.
 */
export const serveHttp = Effect.fnUntraced(function* <E, R, D = never>(
  app: HttpApp.Default<E, R>,
  address: { readonly host: string; readonly port: number },
  /** Answers some requests in the app's place. */
  shortcut: Effect.Effect<Shortcut, never, D> = Effect.succeed(() => false)
): Effect.fn.Return<number, ServeError, Needed<Exclude<R, Stopping>> | D | Scope.Scope> {
  const node = yield* Effect.sync(makeServer)
  const server = yield* NodeHttpServer.make(() => node, { host: address.host, port: address.port })
  const stopped = yield* Deferred.make<void>()
  const stopping = { signal: Deferred.await(stopped) }
  const whole = Effect.provideService(app, Stopping, stopping)
  const [answer] = yield* Effect.all([NodeHttpServer.makeHandler(whole), server.serve(whole)]).pipe(
    // A span of each request, which nobody collects, would cost more than most of what is asked.
    Effect.locally(HttpMiddleware.currentTracerDisabledWhen, () => true)
  )
  const isAnswered = yield* Effect.provideService(shortcut, Stopping, stopping)
  // What it serves itself from now on is what is upgraded.
  node.removeAllListeners("request")
  const busy = countBusy(node)
  node.on("request", (request, response) => {
    if (!isAnswered(request, response)) answer(request, response)
  })
  yield* Effect.addFinalizer(() => Effect.zipRight(Deferred.succeed(stopped, undefined), close(node, busy)))
  return server.address._tag === "TcpAddress" ? server.address.port : 0
})

/** Of what an app needs, what a request doesn't bring. */
type Needed<R> =
  | Exclude<R, HttpServerRequest.HttpServerRequest>
  | Exclude<R, HttpServerRequest.HttpServerRequest | Scope.Scope>

/** Clients that send slowly, or too much before their body, or nothing, keep nothing for long. */
const makeServer = (): Server => {
  const node = createServer({
    maxHeaderSize: 16 * 1024,
    headersTimeout: 10_000,
    requestTimeout: 30_000,
    keepAliveTimeout: 65_000,
    connectionsCheckingInterval: 2_000
  })
  // Of a connection on which nothing moves, in either direction; whoever waits asks for more.
  node.setTimeout(60_000)
  node.maxHeadersCount = 100
  return node
}

/**
 * Requests without an answer yet, and sockets that were upgraded. A connection that asks nothing is none of them.
 *
 * Counted, not held: a set that thousands go through in a second outlives its own tables, each of which keeps what was in
 * it from being collected while that is still cheap.
 */
const countBusy = (node: Server): (() => number) => {
  let busy = 0
  const until = (ended: EventEmitter) => {
    busy += 1
    ended.once("close", () => {
      busy -= 1
    })
  }
  node.on("request", (_request, response) => until(response))
  node.on("upgrade", (_request, socket) => until(socket))
  return () => busy
}

const close = Effect.fnUntraced(function* (node: Server, busy: () => number) {
  yield* Effect.sync(() => node.close())
  yield* Effect.sync(busy).pipe(
    Effect.repeat({ until: (count) => count === 0, schedule: Schedule.spaced(step) }),
    Effect.timeoutOption(grace)
  )
  yield* Effect.sync(() => node.closeAllConnections())
})

const grace = Duration.seconds(2)
const step = Duration.millis(20)
