import { Effect, type Scope } from "effect"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { Socket } from "node:net"

export interface Seen {
  readonly method: string
  /** With the query, as it was sent. */
  readonly url: string
  readonly headers: IncomingMessage["headers"]
  readonly body: string
}

export interface ScriptedServer {
  readonly origin: string
  readonly port: number
  readonly seen: ReadonlyArray<Seen>
  readonly openSockets: () => number
  /** Breaks every connection, as a dying server would. */
  readonly cutAll: () => void
}

/** A real server on a port of its own that answers as the test says; gone with the scope. */
export const scriptedServer = (
  answer: (request: Seen, response: ServerResponse) => void
): Effect.Effect<ScriptedServer, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.async<Running>((resume) => {
        const running: Running = { server: createServer(), sockets: new Set(), seen: [] }
        running.server.on("connection", (socket) => {
          running.sockets.add(socket)
          socket.on("close", () => running.sockets.delete(socket))
        })
        running.server.on("request", (request: IncomingMessage, response: ServerResponse) => {
          const chunks: Array<Buffer> = []
          request.on("data", (chunk: Buffer) => chunks.push(chunk))
          request.on("end", () => {
            const body = Buffer.concat(chunks).toString()
            const seen = { method: request.method ?? "", url: request.url ?? "", headers: request.headers, body }
            running.seen.push(seen)
            answer(seen, response)
          })
        })
        running.server.listen(0, "127.0.0.1", () => resume(Effect.succeed(running)))
      }),
      ({ server, sockets }) =>
        Effect.async<void>((resume) => {
          server.close(() => resume(Effect.void))
          for (const socket of sockets) socket.destroy()
        })
    ),
    ({ seen, server, sockets }) => {
      const address = server.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      return {
        origin: `http://127.0.0.1:${port}`,
        port,
        seen,
        openSockets: () => sockets.size,
        cutAll: () => {
          for (const socket of sockets) socket.destroy()
        }
      }
    }
  )

interface Running {
  readonly server: ReturnType<typeof createServer>
  readonly sockets: Set<Socket>
  readonly seen: Array<Seen>
}
