import type { Answer, Exchange } from "../http/EmbeddedServer.ts"
import type { ConsulCommand } from "./ConsulCommand.ts"
import type { ConsulEngine } from "./ConsulEngine.ts"
import {
  answerQuery,
  checkQueryOptions,
  type ConsulContext,
  type Handler,
  HttpRefusal,
  json,
  refuse,
  text,
  unsignedParameter
} from "./ConsulRequest.ts"
import type { ConsulState, KvEntry } from "./ConsulState.ts"
import { escapeHtml } from "./goJson.ts"
import { findKey, findKeys, findTree, treeIndex } from "./kvQueries.ts"

/** Largest value, in bytes. */
export const maxValueBytes = 524_288

export const readKv: Handler = (context, exchange, key) => {
  if (exchange.query.has("keys")) return readKeys(context, exchange, key)
  if (exchange.query.has("recurse")) return readTree(context, exchange, key)
  if (key === "") throw missingKey()
  const raw = exchange.query.has("raw")
  answerQuery(context, exchange, {
    watch: { _tag: "Key", key },
    index: (state) => findKey(state, key).index,
    answer: (state) => {
      const entry = findKey(state, key).value
      if (entry === undefined) return text(404, "")
      return raw ? rawAnswer(entry) : json(exchange, [entryJson(entry)])
    }
  })
}

export const writeKv: Handler = async (context, exchange, key) => {
  checkQueryOptions(context.agent, exchange)
  if (key === "") throw missingKey()
  refuseTogether(exchange, ["cas", "acquire", "release"])
  const flags = String(unsignedParameter(exchange, "flags") ?? 0n)
  const cas = unsignedParameter(exchange, "cas")
  const body = await exchange.readBody(maxValueBytes)
  if (body._tag === "TooLarge") throw tooLarge(body.size, "kv_max_value_size")
  const written = { key, value: body.bytes.toString("base64"), flags }
  const acquire = exchange.query.get("acquire")
  const release = exchange.query.get("release")
  if (acquire !== null) return answerDone(context.engine, exchange, { _tag: "KvAcquire", ...written, session: acquire })
  if (release !== null) return answerDone(context.engine, exchange, { _tag: "KvRelease", ...written, session: release })
  answerDone(context.engine, exchange, {
    _tag: "KvPut",
    ...written,
    ...(cas === undefined ? {} : { cas: Number(cas) })
  })
}

export const deleteKv: Handler = (context, exchange, key) => {
  checkQueryOptions(context.agent, exchange)
  refuseTogether(exchange, ["recurse", "cas"])
  if (exchange.query.has("recurse")) return answerDone(context.engine, exchange, { _tag: "KvDeleteTree", prefix: key })
  if (key === "") throw missingKey()
  const cas = unsignedParameter(exchange, "cas")
  answerDone(context.engine, exchange, { _tag: "KvDelete", key, ...(cas === undefined ? {} : { cas: Number(cas) }) })
}

/** Text of Consul for a body beyond a limit, which names the setting that it would have. */
export const tooLarge = (size: number, setting: string): HttpRefusal =>
  new HttpRefusal(
    413,
    `Request body(${size} bytes) too large, max size: ${maxValueBytes} bytes. See https://www.consul.io/docs/agent/options.html#${setting}.`
  )

/** Runs a command that is answered `true` or `false`. */
export const answerDone = (engine: ConsulEngine, exchange: Exchange, command: ConsulCommand): void => {
  const reply = engine.execute(command)
  if (reply._tag === "Refused") throw new HttpRefusal(500, reply.why)
  exchange.answer(json(exchange, reply._tag === "Done" && reply.ok))
}

const readTree = (context: ConsulContext, exchange: Exchange, prefix: string): void =>
  answerQuery(context, exchange, {
    watch: { _tag: "Tree", prefix },
    index: (state) => treeIndex(state, prefix),
    answer: (state) => treeAnswer(exchange, state, prefix)
  })

const readKeys = (context: ConsulContext, exchange: Exchange, prefix: string): void =>
  answerQuery(context, exchange, {
    watch: { _tag: "Tree", prefix },
    index: (state) => treeIndex(state, prefix),
    answer: (state) => {
      const keys = findKeys(state, prefix, exchange.query.get("separator") ?? "").value
      // Consul answers so for the whole store: its list of nothing is found.
      return keys.length === 0 && prefix !== "" ? text(404, "") : json(exchange, keys)
    }
  })

const treeAnswer = (exchange: Exchange, state: ConsulState, prefix: string): Answer => {
  const entries = findTree(state, prefix).value
  if (entries.length === 0) return text(404, "")
  if (exchange.query.has("pretty")) return json(exchange, entries.map(entryJson))
  const known = rendered.get(state)?.get(prefix)
  const body = known ?? Buffer.from(`[${entries.map(entryText).join(",")}]`)
  if (known === undefined) {
    const ofState = rendered.get(state) ?? new Map<string, Buffer>()
    rendered.set(state, ofState.set(prefix, body))
  }
  return { status: 200, headers: { "Content-Type": "application/json", Vary: "Accept-Encoding" }, body }
}

/** Many who watch the same prefix are answered with the same bytes. */
const rendered = new WeakMap<ConsulState, Map<string, Buffer>>()

const entryJson = (entry: KvEntry): Record<string, unknown> => ({
  LockIndex: entry.lockIndex,
  Key: entry.key,
  Flags: BigInt(entry.flags),
  Value: entry.value === "" ? null : entry.value,
  ...(entry.session === "" ? {} : { Session: entry.session }),
  CreateIndex: entry.createIndex,
  ModifyIndex: entry.modifyIndex
})

/** The same as `entryJson`, by hand: base64 needs no escaping, and a prefix may hold tens of megabytes of it. */
const entryText = (entry: KvEntry): string => {
  const value = entry.value === "" ? "null" : `"${entry.value}"`
  const session = entry.session === "" ? "" : `,"Session":"${entry.session}"`
  const head = `{"LockIndex":${entry.lockIndex},"Key":${escapeHtml(JSON.stringify(entry.key))},"Flags":${entry.flags}`
  return `${head},"Value":${value}${session},"CreateIndex":${entry.createIndex},"ModifyIndex":${entry.modifyIndex}}`
}

const rawAnswer = (entry: KvEntry): Answer => ({
  status: 200,
  headers: {
    "Content-Type": "text/plain",
    Vary: "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox"
  },
  body: Buffer.from(entry.value, "base64")
})

const missingKey = (): HttpRefusal => new HttpRefusal(400, "Missing key name")

const refuseTogether = (exchange: Exchange, names: ReadonlyArray<string>): void => {
  if (names.filter((name) => exchange.query.has(name)).length < 2) return
  const query = new URLSearchParams(exchange.query)
  query.sort()
  refuse(400, `Conflicting flags: ${query.toString()}`)
}
