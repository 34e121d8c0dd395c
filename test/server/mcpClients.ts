import {
  Client as ClientOfTwo,
  type Progress,
  StreamableHTTPClientTransport as TransportOfTwo
} from "@modelcontextprotocol/client"
import { Client as ClientOfOne } from "@modelcontextprotocol/sdk/client/index.js"
import { StreamableHTTPClientTransport as TransportOfOne } from "@modelcontextprotocol/sdk/client/streamableHttp.js"
import { Effect, Schema, type Scope } from "effect"
import { ToolResult } from "./rpcDesk.ts"

/** What the tests want of an official client, whichever it is. */
export interface McpClient {
  readonly version: string | undefined
  readonly listTools: Effect.Effect<ReadonlyArray<{ readonly name: string }>>
  /** The result, or the code of the error. Interrupting it cancels the call as the client does it. */
  readonly callTool: (
    name: string,
    given: Record<string, unknown>,
    onProgress?: (progress: Progress) => void
  ) => Effect.Effect<typeof ToolResult.Type, McpFailure>
}

export class McpFailure extends Schema.TaggedError<McpFailure>()("McpFailure", {
  code: Schema.Unknown,
  message: Schema.String
}) {}

type Connect = (url: string) => Effect.Effect<McpClient, never, Scope.Scope>

const info = { name: "a test", version: "1.0.0" }

const twoOf =
  (mode: "auto" | "legacy"): Connect =>
  (url) =>
    Effect.gen(function* () {
      const client = new ClientOfTwo(info, { versionNegotiation: { mode } })
      yield* connected(
        () => client.connect(new TransportOfTwo(new URL(url))),
        () => client.close()
      )
      // With the list the client knows the output schemas, and checks results by them.
      yield* Effect.promise(() => client.listTools())
      return {
        version: client.getNegotiatedProtocolVersion(),
        listTools: Effect.map(
          Effect.promise(() => client.listTools()),
          ({ tools }) => tools
        ),
        callTool: (name, given, onProgress) =>
          called((signal) =>
            client.callTool(
              { name, arguments: given },
              { signal, ...(onProgress === undefined ? {} : { onprogress: onProgress }) }
            )
          )
      }
    })

const one: Connect = (url) =>
  Effect.gen(function* () {
    const client = new ClientOfOne(info)
    const transport = new TransportOfOne(new URL(url))
    yield* connected(
      // The package's own types disagree under exactOptionalPropertyTypes.
      () => Reflect.apply(client.connect.bind(client), undefined, [transport]),
      () => client.close()
    )
    yield* Effect.promise(() => client.listTools())
    return {
      version: transport.protocolVersion,
      listTools: Effect.map(
        Effect.promise(() => client.listTools()),
        ({ tools }) => tools
      ),
      callTool: (name, given, onProgress) =>
        called((signal) =>
          client.callTool({ name, arguments: given }, undefined, {
            signal,
            ...(onProgress === undefined ? {} : { onprogress: onProgress })
          })
        )
    }
  })

/** Both generations, and the newer one as it speaks with servers of the older. */
export const generations: ReadonlyArray<readonly [name: string, connect: Connect, version: string]> = [
  ["client 2 (2026-07-28)", twoOf("auto"), "2026-07-28"],
  ["client 2 as of 2025-11-25", twoOf("legacy"), "2025-11-25"],
  ["sdk 1", one, "2025-11-25"]
]

const connected = (connect: () => Promise<void>, close: () => Promise<void>) =>
  Effect.acquireRelease(Effect.promise(connect), () => Effect.promise(close))

const called = (call: (signal: AbortSignal) => Promise<unknown>) =>
  Effect.tryPromise({
    try: call,
    catch: (error) =>
      new McpFailure({
        code: error instanceof Error && "code" in error ? error.code : undefined,
        message: error instanceof Error ? error.message : String(error)
      })
  }).pipe(Effect.flatMap((result) => Effect.orDie(Schema.decodeUnknown(ToolResult)(result))))
