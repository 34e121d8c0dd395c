import { Data, Either, Predicate } from "effect"
import { rpcCode } from "./ToolFault.ts"

/** One JSON-RPC 2.0 message of a client, as far as the envelope goes. */
export type Envelope = Data.TaggedEnum<{
  Request: { readonly id: string | number; readonly method: string; readonly params?: Params }
  /** Also what has `id: null`: clients of the service have always been answered so. */
  Notification: { readonly method: string; readonly params?: Params }
  /** The service asks clients nothing, so whatever it is, nobody waits for it. */
  Response: {}
}>
export const Envelope = Data.taggedEnum<Envelope>()

type Params = Readonly<Record<string, unknown>>

/** What is wrong with a message, for an answer. */
export interface EnvelopeFault {
  readonly id: string | number | null
  readonly code: number
  readonly message: string
  readonly data: string
}

export const readEnvelope = (value: unknown): Either.Either<Envelope, EnvelopeFault> => {
  if (!Predicate.isRecord(value)) {
    const what = Array.isArray(value)
      ? "batches are no part of the protocol; send one message at a time"
      : "a message must be an object"
    return invalid(null, what)
  }
  if (value["jsonrpc"] !== "2.0") return invalid(idOf(value), 'jsonrpc must be "2.0"')
  const { method } = value
  if (Predicate.isString(method) && method !== "") return call(method, value)
  const isResponse = method === undefined && ("result" in value || "error" in value)
  return isResponse ? Either.right(Envelope.Response()) : invalid(idOf(value), "method must be a text")
}

const call = (method: string, message: Params): Either.Either<Envelope, EnvelopeFault> => {
  const { id, params } = message
  const read = Predicate.isRecord(params) ? params : undefined
  if (id === undefined || id === null) return Either.right(Envelope.Notification({ method, ...given(read) }))
  if (!isId(id)) return invalid(null, "id must be a text or a whole number")
  if (read === undefined && params !== undefined && params !== null) {
    return badParams(id, `params of ${method} must be an object`)
  }
  return method === "tools/call" ? toolCall(id, read) : Either.right(requestOf(id, method, read))
}

/** None where a message has none that could be answered with. */
export const idOf = (message: unknown): string | number | null => {
  const id = Predicate.isRecord(message) ? message["id"] : undefined
  return isId(id) ? id : null
}

/** What the official package would refuse in words that no client of the service knows. */
const toolCall = (id: string | number, params: Params | undefined): Either.Either<Envelope, EnvelopeFault> => {
  if (params === undefined) return badParams(id, "params must be an object with name and arguments")
  const { arguments: asked, name } = params
  if (!Predicate.isString(name) || name === "") {
    const data = "params.name must be the name of a tool"
    return Either.left({ id, code: rpcCode.invalidParams, message: "Tool name required", data })
  }
  if (asked !== undefined && asked !== null && !Predicate.isRecord(asked)) {
    return badParams(id, "params.arguments must be an object")
  }
  return Either.right(requestOf(id, "tools/call", { ...params, arguments: asked ?? {} }))
}

const requestOf = (id: string | number, method: string, params: Params | undefined): Envelope =>
  Envelope.Request({ id, method, ...given(params) })

/** What is left out stays left out. */
const given = (params: Params | undefined): { readonly params?: Params } => (params === undefined ? {} : { params })

const invalid = (id: string | number | null, data: string): Either.Either<never, EnvelopeFault> =>
  Either.left({ id, code: rpcCode.invalidRequest, message: "Invalid Request", data })

const badParams = (id: string | number, data: string): Either.Either<never, EnvelopeFault> =>
  Either.left({ id, code: rpcCode.invalidParams, message: "Invalid params", data })

const isId = (id: unknown): id is string | number => Predicate.isString(id) || Number.isSafeInteger(id)
