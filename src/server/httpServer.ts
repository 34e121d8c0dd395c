import { createServer, type Server } from "node:http"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import type { HttpApp, HttpServerRequest } from "@effect/platform"
import type { ServeError } from "@effect/platform/HttpServerError"
import { Deferred, Duration, Effect, type Scope } from "effect"
import { Stopping } from "./Stopping.ts"

/**
 * Serves until the scope closes, on this address and no other. Then it takes no more requests, tells those that wait or
 * stream, gives the others a moment, and cuts what is left. Answers with the port.
 */
export const serveHttp = Effect.fnUntraced(function* <E, R>(
  app: HttpApp.Default<E, R>,
  address: { readonly host: string; readonly port: number }
): Effect.fn.Return<
  number,
  ServeError,
  Exclude<Exclude<R, Stopping>, HttpServerRequest.HttpServerRequest> | Scope.Scope
> {
  const node = yield* Effect.sync(makeServer)
  const server = yield* NodeHttpServer.make(() => node, { host: address.host, port: address.port })
  const stopped = yield* Deferred.make<void>()
  yield* server.serve(Effect.provideService(app, Stopping, { signal: Deferred.await(stopped) }))
  yield* Effect.addFinalizer(() => Effect.zipRight(Deferred.succeed(stopped, undefined), close(node)))
  return server.address._tag === "TcpAddress" ? server.address.port : 0
})

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

const close = Effect.fnUntraced(function* (node: Server) {
  yield* Effect.sync(() => node.close())
  yield* Effect.iterate(0, {
    while: (waited) => waited < Duration.toMillis(grace),
    body: (waited) =>
      Effect.gen(function* () {
        yield* Effect.sync(() => node.closeIdleConnections())
        const open = yield* connections(node)
        if (open === 0) return Duration.toMillis(grace)
        yield* Effect.sleep(step)
        return waited + Duration.toMillis(step)
      })
  })
  yield* Effect.sync(() => node.closeAllConnections())
})

const grace = Duration.seconds(2)
const step = Duration.millis(20)

const connections = (node: Server): Effect.Effect<number> =>
  Effect.async((resume) => {
    node.getConnections((_error, count) => resume(Effect.succeed(count)))
  })
