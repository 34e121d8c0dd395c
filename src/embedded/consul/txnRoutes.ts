import type { ConsulReply, TxnOp, TxnResult } from "./ConsulCommand.ts"
import { checkQueryOptions, type Handler, HttpRefusal, json } from "./ConsulRequest.ts"
import { DecodeError, decodeJson, GoObject } from "./goJson.ts"
import { maxValueBytes, tooLarge } from "./kvRoutes.ts"
import { isReadOnly } from "./transaction.ts"

export const runTxn: Handler = async ({ engine, agent }, exchange) => {
  checkQueryOptions(agent, exchange)
  const body = await exchange.readBody(maxValueBytes)
  if (body._tag === "TooLarge") throw tooLarge(body.size, "txn_max_req_len")
  const ops = decodeOps(body.bytes)
  const reply = engine.execute({ _tag: "Txn", ops })
  const outcome = {
    Results: reply._tag === "TxnDone" ? reply.results.map((result) => ({ KV: resultJson(result) })) : null,
    Errors: errorsOf(reply)
  }
  const status = outcome.Errors === null ? 200 : 409
  if (!isReadOnly(ops)) return exchange.answer(json(exchange, outcome, status))
  const meta = { Index: 0, LastContact: 0, KnownLeader: true, ConsistencyLevel: "" }
  const headers = { "X-Consul-Knownleader": "true", "X-Consul-Lastcontact": "0" }
  exchange.answer(json(exchange, { ...outcome, ...meta }, status, headers))
}

const maxOps = 64

const errorsOf = (reply: ConsulReply) => {
  if (reply._tag === "Refused") return [{ OpIndex: 0, What: reply.why }]
  if (reply._tag !== "TxnFailed") return null
  return reply.errors.map(({ opIndex, what }) => ({ OpIndex: opIndex, What: what }))
}

const resultJson = (result: TxnResult) => ({
  LockIndex: result.lockIndex,
  Key: result.key,
  Flags: BigInt(result.flags),
  Value: result.value === "" ? null : result.value,
  ...(result.session === "" ? {} : { Session: result.session }),
  CreateIndex: result.createIndex,
  ModifyIndex: result.modifyIndex
})

const decodeOps = (bytes: Buffer): ReadonlyArray<TxnOp> => {
  try {
    const value = decodeJson(bytes)
    // An array's own fields would be decoded as an object's; this names the type that Consul wants.
    const items: ReadonlyArray<unknown> = Array.isArray(value) ? value : notOps(value)
    const ops = items.flatMap((item) => decodeOp(new GoObject(item, "TxnOp", "api.TxnOp")))
    if (items.length > maxOps)
      throw new HttpRefusal(413, `Transaction contains too many operations (${items.length} > ${maxOps})`)
    return ops
  } catch (error) {
    if (error instanceof DecodeError) throw new HttpRefusal(400, `Failed to parse body: ${error.message}`)
    throw error
  }
}

const notOps = (value: unknown): never => {
  if (value === null) throw new DecodeError("EOF")
  const kind = typeof value === "boolean" ? "bool" : typeof value
  throw new DecodeError(`json: cannot unmarshal ${kind} into Go value of type api.TxnOps`)
}

const decodeOp = (item: GoObject): ReadonlyArray<TxnOp> => {
  item.refuseUnknown(["KV", "Node", "Service", "Check", "Session"])
  for (const name of ["Node", "Service", "Check", "Session"])
    if (item.has(name))
      throw new HttpRefusal(400, `the embedded Consul does not implement ${name} operations in a transaction`)
  if (!item.has("KV")) return []
  const kv = new GoObject(item.value("KV"), "KVTxnOp.KV", "api.KVTxnOp")
  kv.refuseUnknown(["Verb", "Key", "Value", "Flags", "Index", "Session", "Namespace"])
  return [
    {
      verb: kv.string("Verb"),
      key: kv.string("Key"),
      value: decodeValue(kv),
      flags: kv.flags("Flags"),
      index: kv.integer("Index", "uint64"),
      session: kv.string("Session")
    }
  ]
}

const decodeValue = (kv: GoObject): string => {
  const value = kv.value("Value")
  if (value === undefined) return ""
  if (typeof value !== "string")
    throw new DecodeError(
      `json: cannot unmarshal ${typeof value} into Go struct field KVTxnOp.KV.Value of type []uint8`
    )
  const digits = value.replaceAll(/[\r\n]/g, "")
  const valid = /^[A-Za-z0-9+/]*={0,2}/.exec(digits)?.[0].length ?? 0
  if (valid < digits.length || digits.length % 4 !== 0)
    throw new DecodeError(`illegal base64 data at input byte ${Math.min(valid, digits.length - (digits.length % 4))}`)
  return Buffer.from(digits, "base64").toString("base64")
}
