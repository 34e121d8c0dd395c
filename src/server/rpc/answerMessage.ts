import { randomUUID } from "node:crypto"
import { isLegacyRequest, isSpecType, LATEST_PROTOCOL_VERSION } from "@modelcontextprotocol/server"
import { Duration, Effect, Either, Predicate } from "effect"
import { keepOpen } from "../keepOpen.ts"
import { takePlace } from "../takePlace.ts"
import { accepted, refused, sent } from "./answer.ts"
import { type Envelope, readEnvelope } from "./Envelope.ts"
import { anywhere, legacyExchange, modernExchange } from "./exchanges.ts"
import { logRaw } from "./rawLog.ts"
import { RunningCalls } from "./RunningCalls.ts"
import { rpcCode } from "./ToolFault.ts"
import { type ToolServices, tools } from "./tools.ts"

/**
 * One JSON-RPC message, answered.
 *
 * One that says its version by itself is answered as the specification of 2026-07-28 demands, HTTP statuses included.
 * Others are answered with 200 whatever the answer says, as the service always did; only for an `MCP-Protocol-Version`
 * that nobody speaks the specification demands a 400.
 */
export const answerMessage = Effect.fn("rpc.answerMessage")(function* (given: unknown, headers: Headers) {
  yield* logRaw("request", given)
  const read = readEnvelope(given)
  if (Either.isLeft(read)) return yield* refused(read.left)
  const envelope = read.right
  if (envelope._tag === "Response") return accepted
  const { _tag: _, ...rest } = envelope
  const message = { jsonrpc: "2.0", ...(rest.method === "initialize" ? introduced(rest) : rest) }
  if (envelope._tag === "Request" && specified.get(message.method)?.(message) === false) {
    const data = `params of ${message.method} are not as the specification has them`
    return yield* refused({ id: envelope.id, code: rpcCode.invalidParams, message: "Invalid params", data })
  }
  const request = new Request(anywhere, { method: "POST", headers })
  const legacy = yield* Effect.promise(() => isLegacyRequest(request, message))
  const session = headers.get(sessionHeader)
  if (envelope._tag === "Request") {
    const answered = legacy ? answerLegacy(envelope.id, message, headers, session) : answerModern(message, headers)
    return yield* Effect.catchTag(answered, "LimitReached", ({ detail }) =>
      refused({ id: envelope.id, code: rpcCode.internalError, message: "Too many requests", data: detail })
    )
  }
  if (legacy && session !== null) yield* cancelIfAsked(envelope, session)
  return accepted
})

/** The official package refuses these with an error that is its own schema's. */
const specified = new Map<string, (message: unknown) => boolean>([
  ["initialize", isSpecType.InitializeRequest],
  ["ping", isSpecType.PingRequest],
  ["tools/list", isSpecType.ListToolsRequest],
  ["tools/call", isSpecType.CallToolRequest]
])

/** The service has always answered a client that says less of itself than it must. */
const introduced = ({ params, ...rest }: Message): Message => ({
  ...rest,
  params: {
    protocolVersion: LATEST_PROTOCOL_VERSION,
    capabilities: {},
    clientInfo: { name: "unknown", version: "" },
    ...params
  }
})

interface Message {
  readonly method: string
  readonly params?: Readonly<Record<string, unknown>>
}

const answerModern = Effect.fnUntraced(function* (message: Message, headers: Headers) {
  const tool = yield* calledTool(message)
  const runtime = yield* Effect.runtime<ToolServices>()
  return yield* sent(yield* modernExchange({ runtime, headers, message, stream: isSlow(tool) }))
})

const answerLegacy = Effect.fnUntraced(function* (
  id: string | number,
  message: Message,
  headers: Headers,
  session: string | null
) {
  const tool = yield* calledTool(message)
  const listens = headers.get("accept")?.includes("text/event-stream") === true
  const stream = listens && (isSlow(tool) || wantsProgress(message.params))
  const runtime = yield* Effect.runtime<ToolServices>()
  const response = yield* legacyExchange({ runtime, headers, message, stream }, { id, session })
  // A session is nothing but the name under which a client can cancel its calls.
  if (message.method === "initialize") response.headers.set(sessionHeader, yield* Effect.sync(() => randomUUID()))
  return yield* sent(response)
})

const sessionHeader = "mcp-session-id"

const cancelIfAsked = Effect.fnUntraced(function* (
  { method, params }: Extract<Envelope, { readonly _tag: "Notification" }>,
  session: string
) {
  const id = params?.["requestId"]
  if (method !== "notifications/cancelled" || !(Predicate.isString(id) || Predicate.isNumber(id))) return
  const running = yield* RunningCalls
  yield* running.cancel(session, id)
})

/** Which tool is to be called, if any; said to the log. */
const calledTool = Effect.fnUntraced(function* ({ method, params }: Message) {
  const named = method === "tools/call" ? params?.["name"] : method
  yield* Effect.annotateLogs(Effect.logDebug("rpc"), { method, tool: named === method ? undefined : named })
  const tool = tools.find(({ name }) => name === named)
  if (tool === undefined) return undefined
  yield* logRaw("tool", tool.name)
  if (tool.slow) yield* Effect.zipRight(takePlace, keepOpen(longestCall))
  return tool
})

/** What a slow tool may take. */
const longestCall = Duration.minutes(10)

const isSlow = (tool: (typeof tools)[number] | undefined): boolean => tool?.slow ?? false

const wantsProgress = (params: Readonly<Record<string, unknown>> | undefined): boolean => {
  const meta = params?.["_meta"]
  return Predicate.isRecord(meta) && meta["progressToken"] !== undefined
}
