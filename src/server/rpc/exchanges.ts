import { createMcpHandler, WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/server"
import { Deferred, Effect, type Runtime, type Scope } from "effect"
import { mcpServer } from "./mcpServer.ts"
import { RunningCalls } from "./RunningCalls.ts"
import type { ToolServices } from "./tools.ts"

/** What a request is answered with lives as long as its scope: closing it ends the call, wherever it is. */
export interface Exchange {
  readonly runtime: Runtime.Runtime<ToolServices>
  readonly headers: Headers
  /** One JSON-RPC message. */
  readonly message: unknown
  /** Send the head of the answer at once, and news while the call goes on. */
  readonly stream: boolean
}

/** Clients of the `initialize` generations, and programs that only know JSON-RPC. */
export const legacyExchange = Effect.fnUntraced(function* (
  { headers, message, runtime, stream }: Exchange,
  call: { readonly id: string | number; readonly session: string | null }
): Effect.fn.Return<Response, never, Scope.Scope> {
  const server = mcpServer(runtime, "legacy")
  const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: !stream })
  const close = Effect.promise(() => server.close())
  yield* Effect.acquireRelease(
    Effect.promise(() => server.connect(transport)),
    () => close
  )
  const cancelled = yield* Deferred.make<Response>()
  if (call.session !== null) {
    const running = yield* RunningCalls
    // Nobody reads the answer to a cancelled call, yet its HTTP request must end.
    const stop = Deferred.complete(
      cancelled,
      Effect.sync(() => new Response(null, { status: 202 }))
    )
    yield* running.add(call.session, call.id, Effect.zipRight(stop, close))
  }
  // The transport insists on what the specification demands of clients; other programs say less.
  const asked = new Headers(headers)
  asked.set("accept", "application/json, text/event-stream")
  const request = new Request(anywhere, { method: "POST", headers: asked })
  return yield* Effect.raceFirst(
    Effect.promise(() => transport.handleRequest(request, { parsedBody: message })),
    Deferred.await(cancelled)
  )
})

/** Clients that say their version with each request. */
export const modernExchange = Effect.fnUntraced(function* ({
  headers,
  message,
  runtime,
  stream
}: Exchange): Effect.fn.Return<Response, never, Scope.Scope> {
  const { signal } = yield* Effect.acquireRelease(
    Effect.sync(() => new AbortController()),
    (controller) => Effect.sync(() => controller.abort())
  )
  const handler = createMcpHandler(() => mcpServer(runtime, "modern"), {
    legacy: "reject",
    responseMode: stream ? "sse" : "auto"
  })
  const request = new Request(anywhere, { method: "POST", headers, signal })
  return yield* Effect.promise(() => handler.fetch(request, { parsedBody: message }))
})

/** Nothing looks at it. */
export const anywhere = "http://localhost/mcp"
