import { Context, Effect, Layer, Schema, type Scope } from "effect"
import { Consul } from "../../src/consul/Consul.ts"
import { Nomad } from "../../src/nomad/Nomad.ts"
import { anybody, Caller, type CallerView } from "../../src/server/Caller.ts"
import { corsOriginsOf, withCors } from "../../src/server/cors.ts"
import { Diagnoses } from "../../src/server/Diagnoses.ts"
import { guardLoopback } from "../../src/server/guardLoopback.ts"
import { serveHttp } from "../../src/server/httpServer.ts"
import { JobLogs } from "../../src/server/JobLogs.ts"
import { Limits } from "../../src/server/Limits.ts"
import { rpcRoutes } from "../../src/server/rpcRoutes.ts"
import { LogArchive } from "../../src/store/LogArchive.ts"
import { StatusWatch } from "../../src/store/StatusWatch.ts"
import { deskOf, keys } from "./deskOf.ts"

export interface RpcDesk {
  readonly url: string
  /** The body as it stands, with these headers. */
  readonly post: (body: string, headers?: Readonly<Record<string, string>>, path?: string) => Effect.Effect<Answer>
  /** One request with an id, as a program sends it that knows nothing of MCP. */
  readonly call: (method: string, params?: unknown, path?: string) => Effect.Effect<Answer>
  /** Requests of this replica that wait for a status to change. */
  readonly waiters: Effect.Effect<number>
  /** `tools/call`. */
  readonly tool: (name: string, given?: unknown) => Effect.Effect<Answer>
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly body: RpcBody | undefined
}

const ErrorBody = Schema.Struct({
  code: Schema.Number,
  message: Schema.String,
  data: Schema.optional(Schema.Unknown)
})

const RpcBody = Schema.Struct({
  jsonrpc: Schema.Literal("2.0"),
  id: Schema.NullOr(Schema.Union(Schema.String, Schema.Number)),
  result: Schema.optional(Schema.Record({ key: Schema.String, value: Schema.Unknown })),
  error: Schema.optional(ErrorBody)
})
type RpcBody = typeof RpcBody.Type

/** A replica's JSON-RPC on a real socket, guarded as the service guards it on loopback. Who leads is another's. */
export const rpcDesk = Effect.fnUntraced(function* (options: {
  readonly consul: Consul["Type"]
  readonly nomad?: Nomad["Type"]
  readonly corsOrigin?: string
  /** Whom all requests come from. */
  readonly caller?: CallerView
}): Effect.fn.Return<RpcDesk, never, Scope.Scope> {
  const origins = corsOriginsOf(options.corsOrigin ?? "*")
  const { consul, nomad } = options
  const services = Layer.provideMerge(
    Layer.mergeAll(Diagnoses.layer, JobLogs.layer, Limits.layer),
    Layer.mergeAll(
      deskOf(consul),
      Layer.provide(LogArchive.layer(keys), Layer.succeed(Consul, consul)),
      // Without one there are no jobs, so there is nothing to ask it.
      nomad === undefined ? Layer.mock(Nomad, {}) : Layer.succeed(Nomad, nomad)
    )
  )
  const context = yield* Layer.build(services)
  const app = rpcRoutes.pipe(
    Effect.catchTag("RouteNotFound", () => Effect.dieMessage("no such route")),
    Effect.provideService(Caller, options.caller ?? anybody),
    withCors(origins),
    guardLoopback({ host: "127.0.0.1", origins })
  )
  const port = yield* serveHttp(app, { host: "127.0.0.1", port: 0 }).pipe(Effect.provide(context), Effect.orDie)
  const url = `http://127.0.0.1:${port}`
  const post: RpcDesk["post"] = (body, headers = {}, path = "/json") =>
    Effect.promise((signal) =>
      fetch(`${url}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body,
        signal
      })
    ).pipe(
      Effect.flatMap((response) =>
        Effect.map(
          Effect.promise(() => response.text()),
          (text) => ({ response, text })
        )
      ),
      Effect.map(({ response, text }) => ({
        status: response.status,
        headers: response.headers,
        text,
        body: text === "" ? undefined : readBody(text)
      }))
    )
  const call: RpcDesk["call"] = (method, params, path) =>
    post(toJson({ jsonrpc: "2.0", id: 7, method, ...(params === undefined ? {} : { params }) }), {}, path)
  return {
    url,
    post,
    call,
    waiters: Context.get(context, StatusWatch).waiters,
    tool: (name, given) => call("tools/call", { name, ...(given === undefined ? {} : { arguments: given }) }, "/mcp")
  }
})

/** What a tool's result says, as `tools/call` answers it. */
export const ToolResult = Schema.Struct({
  content: Schema.Array(Schema.Struct({ type: Schema.Literal("text"), text: Schema.String })),
  structuredContent: Schema.optional(Schema.Record({ key: Schema.String, value: Schema.Unknown })),
  isError: Schema.optional(Schema.Boolean)
})

export const toolResult = ({ body, text }: Answer): typeof ToolResult.Type => {
  if (body?.result === undefined) throw new Error(`no result: ${text}`)
  return Schema.decodeUnknownSync(ToolResult)(body.result)
}

/** The first text of a result. */
export const textOf = (answer: Answer): string => toolResult(answer).content[0]?.text ?? ""

export const toJson = Schema.encodeSync(Schema.parseJson(Schema.Unknown))
export const fromJson = Schema.decodeUnknownSync(
  Schema.parseJson(Schema.Record({ key: Schema.String, value: Schema.Unknown }))
)

const readBody = Schema.decodeUnknownSync(Schema.parseJson(RpcBody))
